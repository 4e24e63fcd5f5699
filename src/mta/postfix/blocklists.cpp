// SPDX-License-Identifier: Apache-2.0
//
// reject_rbl_client and its kin: DNS blocklists as smtpd asks them ("zone" or "zone=127.0.0.[2..11]", RFC 5782), and
// the reply of default_rbl_reply. A list that does not answer refuses nobody.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

using dns::Status;
using dns::Type;

/// "127.0.0.[2;4..7]" against an address: per octet a number, or alternatives in brackets (postconf(5)).
bool octet_fits(std::string_view pattern, unsigned octet) {
  if (!pattern.starts_with('[')) return parse_number(pattern) == octet;
  if (!pattern.ends_with(']')) return false;
  for (const auto part : split(pattern.substr(1, pattern.size() - 2), ';')) {
    const auto dots = part.find("..");
    const auto low = parse_number(part.substr(0, dots));
    const auto high = dots == std::string_view::npos ? low : parse_number(part.substr(dots + 2));
    if (low && high && octet >= *low && octet <= *high) return true;
  }
  return false;
}

/// The parts of a pattern between dots, "[2..11]" kept whole.
std::vector<std::string> octets_of(std::string_view pattern) {
  std::vector<std::string> parts(1);
  bool inside = false;
  for (const char c : pattern) {
    inside = c == '[' || (inside && c != ']');
    if (c == '.' && !inside)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool fits(std::string_view pattern, const IpAddress& address) {
  if (pattern.empty()) return true;
  const auto parts = octets_of(pattern);
  const auto& bytes = address.bytes();
  if (address.is_v6() || parts.size() != 4) return false;
  for (std::size_t i = 0; i < 4; ++i)
    if (!octet_fits(parts[i], static_cast<unsigned char>(bytes[i]))) return false;
  return true;
}

/// "203.0.113.66" → "66.113.0.203": reverse_name without its last two labels.
std::string reversed(const IpAddress& address) {
  const auto name = address.reverse_name();
  const auto last = name.rfind('.');
  return name.substr(0, name.rfind('.', last - 1));
}

/// The domain that a domain list is asked about; empty where there is none.
std::string domain_of_name(const std::string& what) {
  const auto at = what.rfind('@');
  const auto domain = at == std::string::npos ? what : what.substr(at + 1);
  return valid_host_name(domain) ? to_lower(domain) : std::string();
}

}  // namespace

Reply Evaluation::list_reply(const std::string& zone, const std::string& reason, const std::string& what,
                             std::string_view kind) const {
  const auto code = parameters_.number("maps_rbl_reject_code").value_or(554);
  const std::array<std::pair<std::string_view, std::string>, 15> values = {{
      {"rbl_code", std::to_string(code)},
      {"rbl_class", std::string(kind)},
      {"rbl_what", what},
      {"rbl_domain", zone},
      {"rbl_reason", reason},
      {"rbl_txt", reason},
      {"client", client_subject().name},
      {"client_address", session_.client ? session_.client->to_string() : "…"},
      {"client_name", peer_.name.value_or("…")},
      {"reverse_client_name", peer_.reverse.value_or("…")},
      {"helo_name", session_.helo.value_or("")},
      {"sender", sender_.value_or("")},
      {"sender_name", sender_ ? sender_->substr(0, sender_->rfind('@')) : ""},
      {"recipient", recipient_.value_or("")},
      {"recipient_name", recipient_ ? recipient_->substr(0, recipient_->rfind('@')) : ""},
  }};
  const auto lookup = [&](std::string_view name) -> std::optional<Cited> {
    for (const auto& [key, value] : values)
      if (key == name) return Cited(value, Where{});
    return std::nullopt;
  };
  // The template's own $names are the reply's, not main.cf's.
  const auto expansion = expand(parameters_.unexpanded("default_rbl_reply"), lookup);
  const auto text = expansion ? expansion->value.text() : std::string();
  const auto number = parse_number(std::string_view(text).substr(0, 3));
  if (!number || *number < 400 || *number > 599) return {static_cast<int>(code), "4.7.1", "Service unavailable"};
  auto rest = trim(std::string_view(text).substr(3));
  std::string status = "4.7.1";
  const auto first = rest.substr(0, rest.find(' '));
  if (split(first, '.').size() == 3 && first.find_first_not_of("0123456789.") == std::string_view::npos) {
    status = first;
    rest = trim(rest.substr(first.size()));
  }
  return {static_cast<int>(*number), status, std::string(rest)};
}

Ruling Evaluation::listed(const Cited& zone, const std::string& query, const std::string& what, std::string_view kind) {
  if (!parameters_.get("rbl_reply_maps").text.empty())
    return Ruling::open_question("what rbl_reply_maps says for " + printable(zone.text(), 80), false, true);
  const auto equals = zone.text().find('=');
  const auto domain = zone.text().substr(0, equals);
  const auto filter = equals == std::string::npos ? std::string() : zone.text().substr(equals + 1);
  const auto name = query + "." + domain;
  const auto answer = ask(name, Type::A);
  if (!answer) return not_told(name, false, true);
  if (answer->status != Status::found) return Ruling::nothing(printable(what, 120) + " is not listed in " + domain);
  const bool match = std::any_of(answer->records.begin(), answer->records.end(),
                                 [&](const dns::Record& r) { return fits(filter, r.address); });
  if (!match) return Ruling::nothing("listed in " + domain + ", but not with an answer that counts here");
  const auto text = ask(name, Type::TXT);
  if (!text) return not_told(name, false, true);
  const auto reason = text->status == Status::found && !text->records.empty() ? text->records.front().text : "";
  return Ruling::deny(softened(list_reply(domain, reason, what, kind)),
                      printable(what, 120) + " is listed in " + domain);
}

Ruling Evaluation::listed_domain(const Cited& zone, const std::string& what, std::string_view kind) {
  const auto domain = domain_of_name(what);
  if (domain.empty()) return Ruling::nothing("no domain to ask about");
  return listed(zone, domain, what, kind);
}

Ruling Evaluation::reject_rbl_client(const Cited& zone, const Subject&) {
  if (!session_.client) return Ruling::open_question("the client's address, for " + zone.text(), false, true);
  return listed(zone, reversed(*session_.client), session_.client->to_string(), "Client host");
}

Ruling Evaluation::reject_rhsbl_client(const Cited& zone, const Subject&) {
  if (!peer_.name) return Ruling::open_question("the client's name (PTR and back)", false, true);
  if (*peer_.name == "unknown") return Ruling::nothing("the client has no name");
  return listed_domain(zone, *peer_.name, "Client host");
}

Ruling Evaluation::reject_rhsbl_reverse_client(const Cited& zone, const Subject&) {
  if (!peer_.reverse) return Ruling::open_question("the client's PTR", false, true);
  if (*peer_.reverse == "unknown") return Ruling::nothing("the client has no PTR");
  return listed_domain(zone, *peer_.reverse, "Unverified Client host");
}

Ruling Evaluation::reject_rhsbl_helo(const Cited& zone, const Subject&) {
  if (!progress_.helo) return Ruling::nothing("there is no greeting yet");
  if (!session_.helo) return Ruling::open_question("the client's EHLO name", false, true);
  return listed_domain(zone, *session_.helo, "Helo command");
}

Ruling Evaluation::reject_rhsbl_sender(const Cited& zone, const Subject&) {
  if (!progress_.sender || !sender_ || sender_->empty()) return Ruling::nothing("no sender");
  return listed_domain(zone, *sender_, "Sender address");
}

Ruling Evaluation::reject_rhsbl_recipient(const Cited& zone, const Subject&) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  return listed_domain(zone, *recipient_, "Recipient address");
}

/// "For safety" it opens nothing that reject_unauth_destination would close (postconf(5)).
Ruling Evaluation::permit_dnswl_client(const Cited& zone, const Subject& subject) {
  if (!session_.client) return Ruling::open_question("the client's address, for " + zone.text(), true, false);
  if (progress_.recipient) {
    const auto destination = permit_auth_destination(subject);
    if (destination.effect == Ruling::none) return Ruling::nothing("does not count for a destination that is not ours");
    if (destination.effect == Ruling::open) return destination;
  }
  const auto equals = zone.text().find('=');
  const auto filter = equals == std::string::npos ? std::string() : zone.text().substr(equals + 1);
  const auto name = reversed(*session_.client) + "." + zone.text().substr(0, equals);
  const auto answer = ask(name, Type::A);
  if (!answer) return not_told(name, true, false);
  if (answer->status == Status::no_data || answer->status == Status::no_name) return Ruling::nothing("not listed");
  if (answer->status != Status::found)
    return Ruling::open_question("the list " + zone.text() + ", which could not be asked", true, true);
  const bool match = std::any_of(answer->records.begin(), answer->records.end(),
                                 [&](const dns::Record& r) { return fits(filter, r.address); });
  return match ? Ruling::pass("listed in " + zone.text()) : Ruling::nothing("not listed with an answer that counts");
}

}  // namespace smtpdx::mta::postfix
