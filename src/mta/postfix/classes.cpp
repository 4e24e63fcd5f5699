// SPDX-License-Identifier: Apache-2.0
//
// The order of questions is that of trivial-rewrite: strip own domains from the right, turning routing forms round each
// time, until a foreign domain or a bare local part is left; only then ask for the class. It matters:
// user%far@own.example is a foreign address of far, while user%far@relayed.example keeps its form and counts as
// "routed".
//
// Not done: canonical and virtual rewriting (they do not take part in the decision at RCPT), masquerading, and address
// forms with comments or white space.

#include "mta/postfix/classes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/expand.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_rounds = 100;

/// Takes the quotes off a local part; nullopt where they are not closed.
std::optional<std::string> unquoted(std::string_view local) {
  std::string out;
  bool in_quotes = false;
  for (std::size_t i = 0; i < local.size(); ++i) {
    char c = local[i];
    if (c == '"') {
      in_quotes = !in_quotes;
      continue;
    }
    if (c == '\\') {
      if (++i == local.size()) return std::nullopt;
      c = local[i];
    } else if (!in_quotes && (is_space(c) || c == '(' || c == ')' || c == '<' || c == '>' || c == ',' || c == ';')) {
      return std::nullopt;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return std::nullopt;
    out += c;
  }
  return in_quotes ? std::nullopt : std::optional<std::string>(out);
}

/// The "@" in front of the domain: the last one outside quotes.
std::size_t last_at(std::string_view path) {
  std::size_t at = std::string_view::npos;
  bool in_quotes = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\')
      ++i;
    else if (path[i] == '"')
      in_quotes = !in_quotes;
    else if (path[i] == '@' && !in_quotes)
      at = i;
  }
  return at;
}

bool domain_octets(std::string_view domain) {
  return std::all_of(domain.begin(), domain.end(), [](char c) {
    return !is_space(c) && static_cast<unsigned char>(c) > ' ' && c != '\x7f' &&
           std::string_view("\"\\()<>,;").find(c) == std::string_view::npos;
  });
}

std::string join_address(std::string_view local, std::string_view domain) {
  return std::string(local) + "@" + std::string(domain);
}

}  // namespace

std::string_view to_string(AddressClass c) {
  switch (c) {
    case AddressClass::local:
      return "local";
    case AddressClass::virtual_alias:
      return "virtual alias";
    case AddressClass::virtual_mailbox:
      return "virtual mailbox";
    case AddressClass::relay:
      return "relay";
    case AddressClass::none:
      return "none";
    case AddressClass::unknown:
      break;
  }
  return "unknown";
}

bool valid_host_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.find_first_not_of("0123456789.") == std::string_view::npos)
    return false;
  for (const auto label : split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    const auto good = [](char c) {
      return is_digit(c) || c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (!std::all_of(label.begin(), label.end(), good)) return false;
  }
  return true;
}

bool valid_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  const bool colon = text.find(':') != std::string_view::npos;
  return colon == istarts_with(text, "[IPv6:") && IpAddress::parse(text).has_value();
}

std::optional<std::string> internal_form(std::string_view path) {
  path = trim(path);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  if (path.empty()) return std::string();
  if (path.front() == '@') {  // source route, RFC 5321 appendix C
    const auto colon = path.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    path = path.substr(colon + 1);
  }
  const auto at = last_at(path);
  const auto local = unquoted(path.substr(0, at));
  if (!local || local->empty()) return std::nullopt;
  if (at == std::string_view::npos) return local;
  const auto domain = path.substr(at + 1);
  if (domain.empty() || !domain_octets(domain)) return std::nullopt;
  return join_address(*local, domain);
}

/// Is the domain one whose mail is delivered here (mydestination, or one of our addresses in brackets)?
Match Classes::local(std::string_view domain) const {
  auto name = domain;
  while (name.ends_with('.')) name.remove_suffix(1);
  auto match = MatchList::parse(parameters_->get("mydestination").text, *tables_).match_string(name);
  if (match.answer == Answer::yes || !name.starts_with('[')) return match;
  const auto address = IpAddress::parse(name);
  if (!address) return match;
  const auto own = is_own(*parameters_, *own_, *address);
  if (own == Answer::no) return match;
  return Match{own, std::string(name), parameters_->get("inet_interfaces").where,
               own == Answer::yes ? std::string() : "whether " + std::string(name) + " is the server's own address"};
}

/// What is added to a bare local part. Debian lets a file say it, outside of the configuration directory.
std::string Classes::origin() const {
  auto value = parameters_->get("myorigin").text.text();
  return value.starts_with('/') ? unknown_mark("myorigin") : value;
}

/// Are there operators in it that would be turned round?
bool Classes::has_operators(std::string_view local_part) const {
  return local_part.find('@') != std::string_view::npos ||
         (local_part.find('!') != std::string_view::npos && parameters_->flag("swap_bangpath").value_or(true)) ||
         (local_part.find('%') != std::string_view::npos && parameters_->flag("allow_percent_hack").value_or(true));
}

/// user@domain: site!user and user%site turned round, the origin added, the final dot taken off.
std::string Classes::canonical(std::string address) const {
  const auto bang = address.find('!'), percent = address.rfind('%');
  if (address.find('@') == std::string::npos) {
    if (bang != std::string::npos && parameters_->flag("swap_bangpath").value_or(true))
      address = join_address(address.substr(bang + 1), address.substr(0, bang));
    else if (percent != std::string::npos && parameters_->flag("allow_percent_hack").value_or(true))
      address[percent] = '@';
    else if (parameters_->flag("append_at_myorigin").value_or(true))
      address = join_address(address, origin());
  }
  const auto domain = address.rfind('@');
  if (domain == std::string::npos) return address;
  const bool bare =
      address.find('.', domain) == std::string::npos && address.compare(domain, 2, "@[") != 0 && !has_unknown(address);
  if (bare && domain + 1 < address.size() && parameters_->flag("append_dot_mydomain").value_or(false))
    address += "." + parameters_->get("mydomain").text.text();
  if (address.ends_with('.') && !address.ends_with("..") && !address.ends_with("@.")) address.pop_back();
  return address;
}

Resolved Classes::resolve(const std::string& address) const {
  Resolved resolved;
  auto rest = canonical(address);
  std::string own_domain;
  Match own;
  bool foreign = false;
  for (unsigned round = 0; round < max_rounds; ++round) {
    const auto at = rest.rfind('@');
    if (at != std::string::npos) {
      const auto match = local(std::string_view(rest).substr(at + 1));
      foreign = match.answer != Answer::yes;
      own = match;
      if (foreign) break;
      own_domain = rest.substr(at + 1);
      rest.erase(at);
    }
    if (!has_operators(rest)) break;
    rest = canonical(rest);
    resolved.unrouted = true;
  }
  if (!foreign) rest = join_address(rest, own_domain.empty() ? parameters_->get("myhostname").text.text() : own_domain);
  resolved.address = rest;
  const auto at = rest.rfind('@');
  resolved.domain = canonical_name(std::string_view(rest).substr(at + 1));
  resolved.routed = std::string_view(rest).substr(0, at).find_first_of("@!%") != std::string_view::npos;
  resolved.why = own.why;
  resolved.broken = own.broken;
  resolved.where = own.where;
  resolved.pattern = own.pattern;
  if (!foreign) {
    resolved.address_class = AddressClass::local;
    resolved.parameter = "mydestination";
  } else if (own.answer == Answer::no) {
    classify(resolved);
  }
  return resolved;
}

namespace {
struct ClassList {
  const char* parameter;
  AddressClass address_class;
};
/// In the order in which Postfix asks.
constexpr ClassList class_lists[] = {{"virtual_alias_domains", AddressClass::virtual_alias},
                                     {"virtual_mailbox_domains", AddressClass::virtual_mailbox},
                                     {"relay_domains", AddressClass::relay}};
}  // namespace

Match Classes::listed(const char* parameter, std::string_view domain) const {
  const auto list = MatchList::parse(parameters_->get(parameter).text, *tables_);
  return std::string_view(parameter) == "relay_domains" ? list.match_domain(domain, parents_of(*parameters_, parameter))
                                                        : list.match_string(domain);
}

/// The classes of a domain that is not local.
void Classes::classify(Resolved& resolved) const {
  for (const auto& row : class_lists) {
    const auto match = listed(row.parameter, resolved.domain);
    if (match.answer == Answer::no) continue;
    resolved.address_class = match.answer == Answer::yes ? row.address_class : AddressClass::unknown;
    resolved.parameter = row.parameter;
    resolved.pattern = match.pattern;
    resolved.where = match.where;
    resolved.why = match.why;
    resolved.broken = match.broken;
    return;
  }
  resolved.address_class = AddressClass::none;
  resolved.where = {};
}

std::vector<Resolved> Classes::also(const Resolved& resolved) const {
  std::vector<Resolved> further;
  if (resolved.address_class == AddressClass::none || resolved.address_class == AddressClass::unknown) return further;
  for (const auto& row : class_lists) {
    if (row.address_class <= resolved.address_class) continue;
    // relay_domains was once all of mydestination by default: no mistake, and no warning.
    if (row.address_class == AddressClass::relay && resolved.address_class == AddressClass::local) continue;
    const auto match = listed(row.parameter, resolved.domain);
    if (match.answer != Answer::yes) continue;
    auto other = resolved;
    other.address_class = row.address_class;
    other.parameter = row.parameter;
    other.pattern = match.pattern;
    other.where = match.where;
    further.push_back(std::move(other));
  }
  return further;
}

std::string Classes::lists_shown() const {
  std::string out;
  for (const char* name : {"mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"}) {
    const auto value = parameters_->get(name);
    if (!out.empty()) out += ", ";
    out += std::string(name) + " (" + (value.is_default() ? "default" : value.where.to_string()) + ")";
  }
  return out;
}

}  // namespace smtpdx::mta::postfix
