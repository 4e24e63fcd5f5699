// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/dns_lookup.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

/// Equal ones stay in their order. Not stable_sort: clang 19 refuses libstdc++ 12's use of a deprecated function in it.
void sort_by_preference(std::vector<dns::Record>& records) {
  const auto before = [](const dns::Record& a, const dns::Record& b) { return a.preference < b.preference; };
  for (auto it = records.begin(); it != records.end(); ++it)
    std::rotate(std::upper_bound(records.begin(), it, *it, before), it, std::next(it));
}

/// Names with other octets are not asked about (dns_check_names_pattern).
bool asked_about(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  for (auto label : split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) {
          return is_digit(c) || c == '-' || c == '_' || c == '/' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
        }))
      return false;
  }
  return true;
}

std::string shown(const dns::Record& record, std::string_view kind) {
  switch (record.type) {
    case dns::Type::A:
    case dns::Type::AAAA:
      return record.address.to_string();
    case dns::Type::MX:
      return kind == "mxh" ? record.name : std::to_string(record.preference) + " " + record.name;
    case dns::Type::TXT:
      return record.text;
    default:
      return record.name;
  }
}

struct Question {
  std::string kind = "txt", name, separator = "\n";
  bool never_defer = false;
};

Question question_of(std::string_view query) {
  Question q;
  query = trim(query);
  if (query.starts_with('>')) {
    q.separator = std::string(query.substr(1, 1));
    query = trim(query.substr(std::min<std::size_t>(2, query.size())));
    if (query.starts_with(',') || query.starts_with(';')) query = trim(query.substr(1));
  }
  while (query.starts_with("defer_") || query.starts_with("dnssec_") || query.starts_with("retrans_") ||
         query.starts_with("retry_")) {
    const auto comma = query.find(',');
    if (query.starts_with("defer_never")) q.never_defer = true;
    if (comma == std::string_view::npos) break;
    query = trim(query.substr(comma + 1));
  }
  const auto equals = query.find('=');
  if (equals != std::string_view::npos) {
    q.kind = to_lower(trim(query.substr(0, equals)));
    query = trim(query.substr(equals + 1));
  }
  q.name = std::string(query);
  return q;
}

std::vector<dns::Type> types_of(const std::string& kind) {
  if (kind == "a+") return {dns::Type::AAAA, dns::Type::A};
  if (kind == "mxh") return {dns::Type::MX};
  const auto type = dns::type_from(kind == "spf" ? "TXT" : kind);
  static constexpr dns::Type known[] = {dns::Type::A,   dns::Type::AAAA, dns::Type::MX,   dns::Type::NS,
                                        dns::Type::PTR, dns::Type::TXT,  dns::Type::CNAME};
  if (!type || std::find(std::begin(known), std::end(known), *type) == std::end(known)) return {};
  return {*type};
}

}  // namespace

DnsResult dns_ask(Context& c, const std::string& name, dns::Type type) {
  if (!asked_about(name)) return {DnsResult::absent, {}};
  if (!c.session.names) return {};
  const auto answer = c.session.names(canonical_name(name), type);
  if (!answer) return {};
  switch (answer->status) {
    case dns::Status::found:
      return {DnsResult::found, answer->records};
    case dns::Status::no_data:
    case dns::Status::no_name:
      return {DnsResult::absent, {}};
    case dns::Status::local:
      return {};
    default:
      break;
  }
  const auto nonexistent = c.configuration.text("dns_again_means_nonexist");
  const bool absent = !nonexistent.empty() && match_domain(c, canonical_name(name), nonexistent).answer == Answer::yes;
  return {absent ? DnsResult::absent : DnsResult::again, {}};
}

Found dns_lookup(Context& c, std::string_view query) {
  const auto q = question_of(query);
  const auto types = types_of(q.kind);
  const auto open = [&] {
    return Found{Found::open, {}, "what DNS says of " + q.kind + " " + printable(q.name, 100), {}};
  };
  if (types.empty() || q.name.find_first_of(":;, ") != std::string::npos) return open();
  std::vector<std::string> lines;
  bool again = false;
  for (const auto type : types) {
    auto name = q.name;
    if (type == dns::Type::PTR)
      if (const auto address = IpAddress::parse(name)) name = address->reverse_name();
    auto result = dns_ask(c, name, type);
    if (result.state == DnsResult::unsure) return open();
    again = again || result.state == DnsResult::again;
    if (q.kind == "mxh" || q.kind == "mx") sort_by_preference(result.records);
    for (const auto& record : result.records) lines.push_back(shown(record, q.kind));
  }
  if (!lines.empty()) return {Found::yes, Text{Text::ok, join(lines, q.separator), {}, true}, "DNS", {}};
  if (again && !q.never_defer) return {Found::deferred, {}, "lookup of " + printable(q.name, 100) + " gave DEFER", {}};
  return {};
}

Addresses addresses_of(Context& c, const std::string& host) {
  if (const auto literal = IpAddress::parse(host)) return {DnsResult::found, {*literal}};
  Addresses all;
  bool again = false, unsure = false;
  for (const auto type : {dns::Type::A, dns::Type::AAAA}) {
    const auto result = dns_ask(c, host, type);
    again = again || result.state == DnsResult::again;
    unsure = unsure || result.state == DnsResult::unsure;
    for (const auto& record : result.records) all.list.push_back(record.address);
  }
  all.state = !all.list.empty() ? DnsResult::found
              : unsure          ? DnsResult::unsure
              : again           ? DnsResult::again
                                : DnsResult::absent;
  if (all.state != DnsResult::found && iequals(host, "localhost"))
    return {DnsResult::found, {*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")}};
  return all;
}

namespace {

/// Is one of the host's addresses ours; those to be ignored left out. `usable` counts the others.
struct HostKind {
  bool local = false, usable = false, again = false, unsure = false;
};
HostKind kind_of_host(Context& c, const std::string& host, const std::string& ignore) {
  HostKind kind;
  const auto addresses = addresses_of(c, host);
  kind.again = addresses.state == DnsResult::again;
  kind.unsure = addresses.state == DnsResult::unsure;
  for (const auto& address : addresses.list) {
    const auto text = address.to_string();
    if (!ignore.empty() && match_ip(c, text, ignore, Expanding::yes).answer == Answer::yes) continue;
    kind.usable = true;
    kind.local = kind.local || is_own_address(c, text);
  }
  return kind;
}

MailHosts by_address(Context& c, const std::string& domain, const MailHostRules& rules) {
  MailHosts hosts;
  hosts.by_address = true;
  hosts.first_host = domain;
  const auto kind = kind_of_host(c, domain, rules.ignore);
  hosts.local_first = kind.local;
  hosts.state = kind.usable   ? DnsResult::found
                : kind.unsure ? DnsResult::unsure
                : kind.again  ? DnsResult::again
                              : DnsResult::absent;
  return hosts;
}

}  // namespace

MailHosts mail_hosts(Context& c, const std::string& domain, const MailHostRules& rules) {
  auto mx = dns_ask(c, domain, dns::Type::MX);
  MailHosts hosts;
  hosts.state = mx.state;
  if (mx.state == DnsResult::absent && !rules.mx_only) return by_address(c, domain, rules);
  if (mx.state != DnsResult::found) return hosts;
  if (mx.records.size() == 1 && mx.records.front().name.empty()) {
    hosts.null_mx = true;
    hosts.state = DnsResult::absent;
    return hosts;
  }
  sort_by_preference(mx.records);
  std::optional<unsigned> best;
  bool again = false, unsure = false;
  for (const auto& record : mx.records) {
    const auto kind = kind_of_host(c, record.name, rules.ignore);
    again = again || kind.again;
    unsure = unsure || kind.unsure;
    if (!kind.usable) continue;
    if (!best) {
      best = record.preference;
      hosts.first_host = record.name;
    }
    if (kind.local) (record.preference == *best ? hosts.local_first : hosts.local_later) = true;
  }
  hosts.state = best ? DnsResult::found : unsure ? DnsResult::unsure : again ? DnsResult::again : DnsResult::absent;
  return hosts;
}

}  // namespace smtpdx::mta::exim
