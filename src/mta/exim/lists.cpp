// SPDX-License-Identifier: Apache-2.0
//
// One walk for every kind of list, with a test for one item. Exim's laws: items are looked at from left to right, the
// first that matches decides; where none does, the last one's sign does ("!x" at the end means "everything else").

#include "mta/exim/lists.hpp"

#include <algorithm>
#include <functional>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lookups.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_items = 200'000;

using Test = std::function<Match(const std::string& item)>;

struct Walk {
  Context& c;
  ListKind kind;
  Test test;
  bool* caseful = nullptr;  ///< "+caseful" sets it
};

/// Exim's words for what cannot be known of a host, and what a list makes of it.
struct Leniency {
  bool include_unknown = false, ignore_unknown = false, include_defer = false, ignore_defer = false;

  bool take(std::string_view item) {
    if (item == "+include_unknown")
      include_unknown = true, ignore_unknown = false;
    else if (item == "+ignore_unknown")
      ignore_unknown = true, include_unknown = false;
    else if (item == "+include_defer")
      include_defer = true, ignore_defer = false;
    else if (item == "+ignore_defer")
      ignore_defer = true, include_defer = false;
    else
      return false;
    return true;
  }
};

Match answer(Answer a, std::string why) { return {a, std::move(why), {}}; }

Match walk(const Walk& w, std::string_view list, Expanding expanding);

/// The lines of a file, each an item.
Match walk_file(const Walk& w, const std::string& name, bool& negated) {
  std::string why;
  const auto* text = w.c.configuration.files->text(name, why);
  if (text == nullptr) {
    w.c.exhaust("what " + printable(name, 100) + " holds (" + why + ")");
    return answer(Answer::defer, name + " cannot be read");
  }
  const bool outer = negated;
  std::string_view rest(*text);
  for (std::size_t count = 0; !rest.empty() && count < max_items; ++count) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (auto hash = line.find('#'); hash != std::string_view::npos; hash = line.find('#', hash + 1))
      if (hash == 0 || (w.kind != ListKind::address && is_space(line[hash - 1]))) {
        line = line.substr(0, hash);
        break;
      }
    line = trim(line);
    if (line.empty()) continue;
    negated = outer;
    if (line.front() == '!') {
      negated = !negated;
      line = trim(line.substr(1));
    }
    if (!w.c.step()) break;
    auto match = w.test(std::string(line));
    if (match.answer == Answer::no) continue;
    if (match.answer == Answer::yes) match.why = name + ": " + match.why;
    return match;
  }
  return answer(Answer::no, {});
}

Match walk_named(const Walk& w, const std::string& name) {
  const auto* list = named_list(w.c, name, w.kind);
  if (list == nullptr) return answer(Answer::defer, "unknown named list \"+" + printable(name, 60) + "\"");
  const Level level(w.c);
  if (!level.fine()) return answer(Answer::defer, "lists in lists without end");
  auto match = walk(w, list->value, Expanding::yes);
  if (match.answer == Answer::yes) match.why = "+" + name + ": " + match.why;
  return match;
}

/// Sets a value for as long as it lives.
class Held {
 public:
  Held(bool& what, bool value) : what_(what), before_(what) { what_ = value; }
  ~Held() { what_ = before_; }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  bool& what_;
  bool before_;
};

Match walk(const Walk& w, std::string_view list, Expanding expanding) {
  Text expanded;
  std::string_view text = list;
  if (expanding == Expanding::yes && list.find_first_of("$\\") != std::string_view::npos) {
    expanded = expand(w.c, list);
    if (expanded.kind == Text::forced) return answer(Answer::no, "the list's expansion was made to fail");
    if (expanded.kind == Text::open)
      return answer(w.c.ask(expanded.why) ? Answer::yes : Answer::no, "the list depends on " + expanded.why);
    if (!expanded.good())
      return answer(Answer::defer, "failed to expand \"" + printable(list, 80) + "\": " + expanded.why);
    text = expanded.value;
  }
  const Held tainted(w.c.list_tainted, expanded.tainted);
  const auto kept = w.c.configuration.files->items(text);
  const auto& items = *kept;
  Leniency lenient;
  bool negated = false;
  for (const auto& whole : items) {
    if (!w.c.step()) return answer(Answer::defer, "too much work");
    std::string_view item(whole);
    if (w.kind == ListKind::host && lenient.take(item)) continue;
    if (item == "+caseful" && w.caseful != nullptr) {
      *w.caseful = true;
      continue;
    }
    negated = item.starts_with('!');
    if (negated) item = trim(item.substr(1));
    Match match;
    if (item.starts_with('+'))
      match = walk_named(w, std::string(item.substr(1)));
    else if (item.starts_with('/'))
      match = walk_file(w, std::string(item), negated);
    else
      match = w.test(std::string(item));
    if (match.answer == Answer::yes) {
      if (negated) match.answer = Answer::no, match.why = "excluded by " + match.why;
      return match;
    }
    if (match.answer == Answer::defer && !lenient.ignore_defer) {
      if (lenient.include_defer) return answer(Answer::yes, "+include_defer: " + match.why);
      return match;
    }
    if (match.answer == Answer::error && !lenient.ignore_unknown)
      return answer(lenient.include_unknown ? Answer::yes : Answer::no, match.why);
  }
  if (items.empty()) return answer(Answer::no, "the list is empty");
  return answer(negated ? Answer::yes : Answer::no, negated ? "not excluded" : "in none of " + printable(text, 120));
}

/// A look-up as an item: "lsearch;/etc/exim4/domains", "mysql;select …".
Match look_up_item(Context& c, const std::string& key, const std::string& item) {
  const auto semicolon = item.find(';');
  const auto type = lookup_type(trim(std::string_view(item).substr(0, semicolon)));
  if (c.list_tainted && type.known && !type.query) {
    c.exhaust("the file name in \"" + printable(item, 60) +
              "\" stands in a list made of what the client said: Exim breaks off");
    return answer(Answer::defer, "tainted file name");
  }
  if (!type.known) {
    c.exhaust("what Exim makes of the unknown lookup type in \"" + printable(item, 60) + "\": it breaks off");
    return answer(Answer::defer, "unknown lookup type");
  }
  const Text file{Text::ok, std::string(trim(std::string_view(item).substr(semicolon + 1))), {}, false};
  auto found = type.query ? look_up(c, type, file.value, {}) : look_up(c, type, key, file);
  if (found.state == Found::open) return answer(c.ask(found.why) ? Answer::yes : Answer::no, item);
  if (found.state == Found::deferred) return answer(Answer::defer, found.why);
  if (found.state == Found::failed) {
    c.exhaust(found.why + ": Exim breaks off");
    return answer(Answer::defer, found.why);
  }
  if (found.state == Found::no) return answer(Answer::no, {});
  return {Answer::yes, item + " (" + found.why + ")", found.data};
}

Match match_regex(Context& c, const std::string& subject, const std::string& item, Letters letters) {
  const auto& regex =
      c.configuration.files->regex(item, letters == Letters::ignored ? Regex::Case::ignored : Regex::Case::sensitive);
  if (!regex.problem().empty()) {
    c.exhaust("\"" + printable(item, 60) + "\" is no regular expression: Exim breaks off");
    return answer(Answer::defer, "regular expression error: " + regex.problem());
  }
  auto match = regex.match(subject);
  if (match.result == Regex::Match::too_costly)
    return answer(c.ask("what an expensive expression matches: " + printable(item, 60)) ? Answer::yes : Answer::no,
                  item);
  if (match.result == Regex::Match::no) return answer(Answer::no, {});
  c.numbered.clear();
  for (auto& group : match.groups) c.numbered.push_back({Text::ok, std::move(group), {}, true});
  return {Answer::yes, item, {}};
}

bool alike(std::string_view a, std::string_view b, Letters letters) {
  return letters == Letters::ignored ? iequals(a, b) : a == b;
}

Match plain_item(Context& c, const std::string& subject, const std::string& item, Letters letters) {
  if (item.starts_with('^')) return match_regex(c, subject, item, letters);
  if (item.starts_with('*')) {
    const auto suffix = std::string_view(item).substr(1);
    const bool yes = subject.size() >= suffix.size() &&
                     alike(std::string_view(subject).substr(subject.size() - suffix.size()), suffix, letters);
    if (yes) {
      const auto front = subject.substr(0, subject.size() - suffix.size());
      c.numbered = {{Text::ok, subject, {}, true}, {Text::ok, front, {}, true}};
    }
    return {yes ? Answer::yes : Answer::no, item, {}};
  }
  if (item.find(';') != std::string::npos) return look_up_item(c, subject, item);
  if (!alike(subject, item, letters)) return answer(Answer::no, {});
  return {Answer::yes, item, Text{Text::ok, item, {}, false}};
}

/// @mx_any, @mx_primary, @mx_secondary, with /ignore=LIST behind.
Match mail_exchanger_item(Context& c, const std::string& domain, const std::string& item) {
  const auto slash = item.find('/');
  MailHostRules rules;
  rules.mx_only = true;
  if (slash != std::string::npos && std::string_view(item).substr(slash).starts_with("/ignore="))
    rules.ignore = item.substr(slash + 8);
  const auto hosts = mail_hosts(c, domain, rules);
  const auto which = item.substr(0, slash);
  if (hosts.state == DnsResult::unsure)
    return answer(c.ask("the mail exchangers of " + printable(domain, 80)) ? Answer::yes : Answer::no, item);
  if (hosts.state == DnsResult::again) return answer(Answer::defer, "DNS lookup of " + domain + " deferred");
  const bool yes = which == "@mx_primary"     ? hosts.local_first
                   : which == "@mx_secondary" ? hosts.local_later && !hosts.local_first
                                              : hosts.local_first || hosts.local_later;
  return {yes && hosts.state == DnsResult::found ? Answer::yes : Answer::no, item, {}};
}

Match domain_item(Context& c, const std::string& domain, const std::string& item) {
  if (item == "@") {
    const auto name = primary_hostname(c);
    if (!name) return answer(c.ask("the server's own host name (primary_hostname)") ? Answer::yes : Answer::no, item);
    return plain_item(c, domain, *name, Letters::ignored);
  }
  if (item == "@[]") {
    if (!domain.starts_with('[') || !domain.ends_with(']')) return answer(Answer::no, {});
    const auto address = IpAddress::parse(domain);
    return {address && is_own_address(c, address->to_string()) ? Answer::yes : Answer::no, item, {}};
  }
  if (item.starts_with("@mx_")) return mail_exchanger_item(c, domain, item);
  return plain_item(c, domain, item, Letters::ignored);
}

// ------------------------------------------------------------------ addresses

/// "@@lsearch;file": the domain's entry is a list of local parts.
Match local_parts_of_domain(Context& c, const std::string& address, const std::string& item) {
  auto key = to_lower(domain_part(address));
  const auto local_part = local_part_part(address);
  for (int chain = 0; chain < 50; ++chain) {
    const auto found = look_up_item(c, key, item.substr(2));
    if (found.answer != Answer::yes || !found.data) return found;
    auto items = list_items(found.data->value);
    if (items.empty()) return answer(Answer::no, {});
    const bool more = items.back().starts_with('>');
    const auto next = more ? std::string(trim(std::string_view(items.back()).substr(1))) : std::string();
    if (more) items.pop_back();
    for (const auto& one : items) {
      const bool negated = one.starts_with('!');
      const auto match = plain_item(c, local_part, negated ? std::string(trim(one.substr(1))) : one, Letters::ignored);
      if (match.answer == Answer::no) continue;
      if (match.answer != Answer::yes) return match;
      return {negated ? Answer::no : Answer::yes, item + ": " + one, {}};
    }
    if (!more) return answer(Answer::no, {});
    key = next;
  }
  return answer(Answer::defer, "a chain of @@ without end");
}

bool local_part_matches(std::string_view pattern, std::string_view local_part, Letters letters) {
  if (pattern.starts_with('*')) {
    pattern.remove_prefix(1);
    return local_part.size() >= pattern.size() &&
           alike(local_part.substr(local_part.size() - pattern.size()), pattern, letters);
  }
  return alike(local_part, pattern, letters);
}

Match address_item(Context& c, const std::string& address, const std::string& item, Letters letters) {
  if (item == "*") return {Answer::yes, item, {}};
  if (item.starts_with('^')) return match_regex(c, address, item, letters);
  if (item.empty()) return {address.empty() ? Answer::yes : Answer::no, "the empty address", {}};
  if (item.starts_with("@@")) return local_parts_of_domain(c, address, item);
  const auto semicolon = item.find(';');
  const auto at = item.rfind('@', semicolon == std::string::npos ? std::string::npos : semicolon);
  const bool lookup = semicolon != std::string::npos && lookup_type(item.substr(0, semicolon)).known;
  if (lookup) {
    if (lookup_type(item.substr(0, semicolon)).partial >= 0)
      return answer(Answer::no, "partial matching is not for address lists");
    return look_up_item(c, to_lower(address), item);
  }
  if (address.empty()) return answer(Answer::no, {});
  auto domain_pattern = item;
  if (at != std::string::npos) {
    if (!local_part_matches(std::string_view(item).substr(0, at), local_part_part(address), letters))
      return answer(Answer::no, {});
    domain_pattern = item.substr(at + 1);
  }
  const auto domain = to_lower(domain_part(address));
  if (domain_pattern.starts_with('+')) {
    const Walk domains{c, ListKind::domain, [&](const std::string& one) { return domain_item(c, domain, one); },
                       nullptr};
    return walk_named(domains, domain_pattern.substr(1));
  }
  auto match = domain_item(c, domain, domain_pattern);
  if (match.answer == Answer::yes) match.why = item;
  return match;
}

// ---------------------------------------------------------------------- hosts

struct HostSubject {
  std::string address;
  bool client = false;  ///< its name can be looked up
  bool addresses_only = false;
};

Match named_host_item(Context& c, const HostSubject& subject, const std::string& name) {
  const auto addresses = addresses_of(c, name);
  if (addresses.state == DnsResult::unsure)
    return answer(c.ask("the addresses of " + printable(name, 80)) ? Answer::yes : Answer::no, name);
  if (addresses.state == DnsResult::again) return answer(Answer::defer, "host lookup of " + name + " deferred");
  if (addresses.state == DnsResult::absent) return answer(Answer::error, "no IP address found for host " + name);
  const auto address = IpAddress::parse(subject.address);
  const bool yes = address && std::find(addresses.list.begin(), addresses.list.end(), *address) != addresses.list.end();
  return {yes ? Answer::yes : Answer::no, name, Text{Text::ok, name, {}, false}};
}

/// "net24-lsearch;/file": by the network of the address.
Match network_lookup_item(Context& c, const HostSubject& subject, const std::string& item) {
  const auto dash = item.find('-');
  const auto digits = std::string_view(item).substr(3, dash - 3);
  const auto bits = parse_number(digits);
  const bool plain = std::string_view(item).substr(dash + 1).starts_with("iplsearch");
  const auto network = Network::parse(subject.address + (bits ? "/" + std::to_string(*bits) : ""));
  if (!network) return answer(Answer::no, {});
  auto key = network->base.to_string();
  if (network->base.is_v6() && !plain) {
    auto full = apply_operator(c, "ipv6denorm", Text{Text::ok, key, {}, false});
    if (full) key = replace_all(full->value, ":", ".");
  }
  if (bits) key += "/" + std::to_string(*bits);
  return look_up_item(c, key, item.substr(dash + 1));
}

Match by_name(Context& c, const std::string& item) {
  const auto& host = host_name(c);
  switch (host.state) {
    case HostName::unsure:
      return answer(c.ask("the client's host name") ? Answer::yes : Answer::no, item);
    case HostName::found:
      break;
    default:
      return answer(Answer::error, "failed to find host name for " + c.client);
  }
  auto match = plain_item(c, host.name, item, Letters::ignored);
  for (const auto& alias : host.aliases)
    if (match.answer == Answer::no) match = plain_item(c, alias, item, Letters::ignored);
  return match;
}

Match host_item(Context& c, const HostSubject& subject, const std::string& item) {
  if (item.empty()) return {subject.address.empty() ? Answer::yes : Answer::no, "no host", {}};
  if (item == "*") return {Answer::yes, item, {}};
  if (subject.address.empty()) return answer(Answer::no, {});
  if (item == "@[]") return {is_own_address(c, subject.address) ? Answer::yes : Answer::no, item, {}};
  if (const auto network = Network::parse(item); network && !item.starts_with('[')) {
    const auto address = IpAddress::parse(subject.address);
    return {address && network->contains(*address) ? Answer::yes : Answer::no, item, Text{Text::ok, item, {}, false}};
  }
  const auto semicolon = item.find(';');
  const auto dash = item.find('-');
  if (semicolon != std::string::npos && item.starts_with("net") && dash < semicolon &&
      std::all_of(item.begin() + 3, item.begin() + static_cast<std::ptrdiff_t>(dash), is_digit))
    return network_lookup_item(c, subject, item);
  if (subject.addresses_only) return answer(Answer::error, "\"" + printable(item, 60) + "\" is no address");
  if (semicolon != std::string::npos && lookup_type(item.substr(0, semicolon)).query) return look_up_item(c, {}, item);
  const auto name = item == "@" ? primary_hostname(c).value_or("") : item;
  if (name.empty())
    return answer(c.ask("the server's own host name (primary_hostname)") ? Answer::yes : Answer::no, item);
  const bool plain = std::all_of(name.begin(), name.end(), [](char x) {
    return is_digit(x) || x == '-' || x == '.' || (ascii_lower(x) >= 'a' && ascii_lower(x) <= 'z');
  });
  if (plain) return named_host_item(c, subject, name);
  return by_name(c, item);
}

}  // namespace

char list_separator(std::string_view& list) {
  const auto text = trim(list);
  if (text.size() > 1 && text.front() == '<' &&
      (std::ispunct(static_cast<unsigned char>(text[1])) || text[1] == '\n')) {
    const char separator = text[1];
    list = text.substr(2);
    return separator;
  }
  return ':';
}

std::vector<std::string> list_items(std::string_view list) {
  std::vector<std::string> items;
  const char separator = list_separator(list);
  std::size_t at = 0;
  const auto space = [&](char c) { return is_space(c) && c != separator; };
  while (at < list.size() && space(list[at])) ++at;
  while (at < list.size()) {
    std::string item;
    for (; at < list.size(); ++at) {
      if (list[at] == separator) {
        if (at + 1 >= list.size() || list[at + 1] != separator) break;
        ++at;
      }
      item += list[at];
    }
    ++at;
    while (!item.empty() && space(item.back())) item.pop_back();
    items.push_back(std::move(item));
    while (at < list.size() && space(list[at])) ++at;
  }
  return items;
}

const Setting* named_list(const Context& c, std::string_view name, ListKind kind) {
  const auto lists = c.configuration.lists.find(kind);
  if (lists == c.configuration.lists.end()) return nullptr;
  const auto at = lists->second.find(name);
  return at == lists->second.end() ? nullptr : &at->second;
}

std::optional<std::string> primary_hostname(const Context& c) {
  const auto at = c.configuration.main.find("primary_hostname");
  if (at == c.configuration.main.end()) return std::nullopt;
  return at->second.value;
}

bool is_own_address(Context& c, const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return false;
  if (address->is_loopback()) return true;
  const auto& own = c.configuration.own_addresses;
  if (own.empty()) return c.ask("whether " + text + " is an address of the server (--server-address)");
  return std::any_of(own.begin(), own.end(), [&](const OwnAddress& o) { return o.exact && o.address == *address; });
}

Match match_domain(Context& c, const std::string& domain, std::string_view list, Expanding expanding) {
  const Level level(c);
  if (!level.fine()) return answer(Answer::defer, "too much work");
  return walk({c, ListKind::domain, [&](const std::string& item) { return domain_item(c, domain, item); }, nullptr},
              list, expanding);
}

Match match_local_part(Context& c, const std::string& local_part, std::string_view list, Letters letters,
                       Expanding expanding) {
  bool caseful = letters == Letters::kept;
  const Test test = [&](const std::string& item) {
    return plain_item(c, local_part, item, caseful ? Letters::kept : Letters::ignored);
  };
  return walk({c, ListKind::local_part, test, &caseful}, list, expanding);
}

Match match_string(Context& c, const std::string& text, std::string_view list, Expanding expanding) {
  return walk({c, ListKind::local_part,
               [&](const std::string& item) { return plain_item(c, text, item, Letters::ignored); }, nullptr},
              list, expanding);
}

Match match_address(Context& c, const std::string& address, std::string_view list, Expanding expanding) {
  bool caseful = false;
  const Test test = [&](const std::string& item) {
    return address_item(c, address, item, caseful ? Letters::kept : Letters::ignored);
  };
  return walk({c, ListKind::address, test, &caseful}, list, expanding);
}

Match match_client(Context& c, std::string_view list) {
  const HostSubject subject{c.client, true, false};
  return walk({c, ListKind::host, [&](const std::string& item) { return host_item(c, subject, item); }, nullptr}, list,
              Expanding::yes);
}

Match match_ip(Context& c, const std::string& address, std::string_view list, Expanding expanding) {
  const HostSubject subject{address, false, true};
  return walk({c, ListKind::host, [&](const std::string& item) { return host_item(c, subject, item); }, nullptr}, list,
              expanding);
}

}  // namespace smtpdx::mta::exim
