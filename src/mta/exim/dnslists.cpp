// SPDX-License-Identifier: Apache-2.0
//
// "dnslists = zone=127.0.0.2 : other.zone/$sender_address_domain". Without a key the client's address is asked about,
// reversed. A list that cannot be asked lists nobody, unless the ACL says otherwise.

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/acl_run.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

struct Filter {
  bool negated = false, bits = false, all = false;
  std::vector<IpAddress> values;
  bool given = false;

  bool one(const IpAddress& address) const {
    return std::any_of(values.begin(), values.end(), [&](const IpAddress& value) {
      if (!bits || value.is_v6() || address.is_v6()) return value == address;
      const auto a = address.bytes(), b = value.bytes();
      for (std::size_t i = 0; i < 4; ++i)
        if ((a[i] & b[i]) != b[i]) return false;
      return true;
    });
  }
  bool holds(const std::vector<IpAddress>& addresses) const {
    if (!given) return true;
    const auto test = [&](const IpAddress& a) { return one(a); };
    const bool match = all ? std::all_of(addresses.begin(), addresses.end(), test)
                           : std::any_of(addresses.begin(), addresses.end(), test);
    return match != negated;
  }
};

struct ListItem {
  std::string zone, text_zone;
  std::vector<std::string> keys;
  bool keyed = false;
  Filter filter;
};

std::optional<ListItem> parse_item(const std::string& item) {
  ListItem out;
  std::string_view rest(item);
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) {
    out.keyed = true;
    out.keys = list_items(rest.substr(slash + 1));
    rest = rest.substr(0, slash);
  }
  const auto condition = rest.find_first_of("=&!");
  auto zones = trim(rest.substr(0, condition));
  if (condition != std::string_view::npos) {
    rest = rest.substr(condition);
    out.filter.given = true;
    if (rest.starts_with('!')) out.filter.negated = true, rest.remove_prefix(1);
    while (rest.starts_with('=') || rest.starts_with('&')) {
      if (rest.front() == '&') out.filter.bits = true;
      if (rest.starts_with("==") || (rest.starts_with("=&"))) out.filter.all = true;
      rest.remove_prefix(1);
      if (rest.starts_with('=') && out.filter.all) rest.remove_prefix(1);
    }
    for (auto value : split(rest, ',')) {
      const auto address = IpAddress::parse(trim(value));
      if (!address) return std::nullopt;
      out.filter.values.push_back(*address);
    }
  }
  const auto comma = zones.find(',');
  out.text_zone = std::string(trim(zones.substr(0, comma)));
  out.zone = comma == std::string_view::npos ? out.text_zone : std::string(trim(zones.substr(comma + 1)));
  return out;
}

enum class OnFailure { exclude, include, defer };

struct Asked {
  enum { no, yes, again, unsure } state = no;
};

/// One query; sets the $dnslist variables where it hits.
Asked ask_one(Context& c, const ListItem& item, const std::string& key) {
  const auto address = IpAddress::parse(key);
  const auto query = (address ? address->reverse_labels() : key) + "." + item.zone;
  const auto found = dns_ask(c, query, dns::Type::A);
  if (found.state == DnsResult::again) return {Asked::again};
  if (found.state == DnsResult::unsure) return {Asked::unsure};
  if (found.state != DnsResult::found) return {};
  std::vector<IpAddress> addresses;
  std::string values;
  for (const auto& record : found.records) {
    if (record.address.bytes().front() != 127) continue;  // a catch-all of somebody's, no list
    addresses.push_back(record.address);
    values += (values.empty() ? "" : ", ") + record.address.to_string();
  }
  if (addresses.empty() || !item.filter.holds(addresses)) return {};
  if (item.text_zone != item.zone) {
    const auto own = dns_ask(c, (address ? address->reverse_labels() : key) + "." + item.text_zone, dns::Type::A);
    if (own.state == DnsResult::unsure) return {Asked::unsure};
    if (own.state != DnsResult::found) return {own.state == DnsResult::again ? Asked::again : Asked::no};
  }
  c.dnslist_domain = item.text_zone;
  c.dnslist_value = values;
  c.dnslist_matched = key;
  c.dnslist_text.clear();
  const auto text = dns_ask(c, (address ? address->reverse_labels() : key) + "." + item.text_zone, dns::Type::TXT);
  if (!text.records.empty()) c.dnslist_text = text.records.front().text;
  return {Asked::yes};
}

Tested result(Answer answer, std::string why) {
  return {answer, std::move(why), answer == Answer::yes ? AclResult::accept : AclResult::deny, {}};
}

}  // namespace

Tested test_dnslists(Context& c, const std::string& argument) {
  auto on_failure = OnFailure::exclude;
  for (const auto& text : list_items(argument)) {
    if (!c.step()) break;
    if (text == "+include_unknown") on_failure = OnFailure::include;
    if (text == "+exclude_unknown") on_failure = OnFailure::exclude;
    if (text == "+defer_unknown") on_failure = OnFailure::defer;
    if (text.starts_with('+')) continue;
    const auto item = parse_item(text);
    if (!item) return result(Answer::error, "\"" + printable(text, 80) + "\" is no item of dnslists");
    std::vector<std::string> keys = item->keys;
    if (!item->keyed) keys = {c.client};
    for (const auto& key : keys) {
      if (key.empty()) continue;
      const auto asked = ask_one(c, *item, key);
      if (asked.state == Asked::yes) return result(Answer::yes, key + " is listed at " + item->zone);
      if (asked.state == Asked::unsure && c.ask("what the list " + item->zone + " says of " + printable(key, 80)))
        return result(Answer::yes, "assumed to be listed at " + item->zone);
      if (asked.state == Asked::again && on_failure == OnFailure::include)
        return result(Answer::yes, item->zone + " could not be asked");
      if (asked.state == Asked::again && on_failure == OnFailure::defer)
        return result(Answer::defer, item->zone + " could not be asked");
    }
  }
  return result(Answer::no, "listed nowhere");
}

}  // namespace smtpdx::mta::exim
