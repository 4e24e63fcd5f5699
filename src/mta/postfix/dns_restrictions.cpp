// SPDX-License-Identifier: Apache-2.0
//
// The restrictions that ask DNS, answered from what Session::names tells. A look-up that failed for now does not
// refuse: it puts off, unless something else refuses (the *_tempfail_action parameters). What was not told is an open
// question, never a guess.

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

using dns::Status;
using dns::Type;

bool found(const dns::Answer& answer) { return answer.status == Status::found && !answer.records.empty(); }
bool absent(const dns::Answer& answer) { return answer.status == Status::no_data || answer.status == Status::no_name; }

/// RFC 7505: a single MX that names the root.
bool is_null_mx(const dns::Answer& answer) {
  return found(answer) && answer.records.size() == 1 && answer.records.front().name.empty();
}

/// What smtpd learns from several look-ups for one name, in their order: one that is found is enough, and a null MX
/// ends them (RFC 7505 §4.2).
enum class Known { exists, absent, null_mx, temporary, not_told };

Known known_by(const Names& names, const std::string& name, std::initializer_list<Type> types) {
  bool temporary = false;
  for (const auto type : types) {
    const auto answer = names(name, type);
    if (!answer) return Known::not_told;
    if (type == Type::MX && is_null_mx(*answer)) return Known::null_mx;
    if (found(*answer)) return Known::exists;
    temporary = temporary || !absent(*answer);
  }
  return temporary ? Known::temporary : Known::absent;
}

/// Of a list that is not empty.
std::uint16_t best_preference(const std::vector<dns::Record>& exchangers) {
  const auto better = [](const dns::Record& a, const dns::Record& b) { return a.preference < b.preference; };
  return std::min_element(exchangers.begin(), exchangers.end(), better)->preference;
}

std::string angle(const std::string& text) { return "<" + text + ">"; }

}  // namespace

std::optional<dns::Answer> Evaluation::ask(std::string_view name, Type type) const {
  return session_.names ? session_.names(to_lower(name), type) : std::nullopt;
}

Ruling Evaluation::not_told(std::string_view name, bool may_permit, bool may_refuse) const {
  return Ruling::open_question("what DNS says about " + printable(name, 120), may_permit, may_refuse);
}

/// A look-up that may succeed later.
Ruling Evaluation::temporary(std::string_view action_parameter, Reply reply, std::string why) const {
  const auto action = to_lower(parameters_.get(action_parameter).text.text());
  auto softer = softened(std::move(reply));
  if (action == "defer") return Ruling::deny(std::move(softer), std::move(why));
  if (action == "defer_if_permit") return Ruling::if_permit(std::move(softer), std::move(why));
  return Ruling::open_question("what smtpd makes of " + std::string(action_parameter) + " = " + action, false, true);
}

Ruling Evaluation::unknown_client(Peer::State state, const std::optional<std::string>& name, std::string_view what,
                                  const char* status) {
  if (!name) return Ruling::open_question("the client's name (PTR and back)", false, true);
  if (!iequals(*name, "unknown")) return Ruling::nothing("the client's name is " + printable(*name, 120));
  const auto address = session_.client ? session_.client->to_string() : std::string("…");
  const auto text = "Client host rejected: cannot find your " + std::string(what) + ", [" + address + "]";
  const auto lasting = static_cast<int>(parameters_.number("unknown_client_reject_code").value_or(450));
  if (state == Peer::State::unsure && lasting != 450)
    return Ruling::open_question("whether looking up the client's name failed for now or for good", false, true);
  const int code = state == Peer::State::permanent ? lasting : 450;
  return Ruling::deny(softened({code, status, text}), "the client has no " + std::string(what));
}

Ruling Evaluation::reject_unknown_client(const Subject&) {
  return unknown_client(peer_.name_state, peer_.name, "hostname", "4.7.25");
}
Ruling Evaluation::reject_unknown_reverse_client(const Subject&) {
  return unknown_client(peer_.reverse_state, peer_.reverse, "reverse hostname", "4.7.1");
}

Ruling Evaluation::reject_unknown_helo(const Subject&) {
  if (!progress_.helo) return Ruling::nothing("there is no greeting yet");
  if (!session_.helo) return Ruling::open_question("the client's EHLO name", false, true);
  const auto& helo = *session_.helo;
  if (helo.starts_with('[')) return helo_literal(helo);
  const auto text = angle(helo) + ": Helo command rejected: Host not found";
  const auto known =
      valid_host_name(helo) ? known_by(session_.names, to_lower(helo), {Type::A, Type::AAAA, Type::MX}) : Known::absent;
  if (known == Known::not_told) return not_told(helo, false, true);
  if (known == Known::exists || known == Known::null_mx)
    return Ruling::nothing(printable(helo, 120) + " has an address or MX record");
  if (known == Known::temporary)
    return temporary("unknown_helo_hostname_tempfail_action", {450, "4.7.1", text}, "the look-up failed for now");
  return Ruling::deny(reply("unknown_hostname_reject_code", 450, "4.7.1", text), "no address or MX record");
}

Ruling Evaluation::unknown_address(const Resolved& address, const std::string& shown, std::string_view kind) {
  const bool sender = kind.starts_with("Sender");
  const auto c = address.address_class;
  if (c == AddressClass::unknown) return Ruling::open_question(address.why, false, true);
  if (c == AddressClass::local || c == AddressClass::virtual_alias || c == AddressClass::virtual_mailbox)
    return Ruling::nothing(with_names(address.domain) + " is our own: not looked up");
  if (address.domain.starts_with('[') || has_unknown(address.domain)) return Ruling::nothing("an address literal");
  const auto about = angle(shown) + ": " + std::string(kind) + " rejected: ";
  const auto known = known_by(session_.names, address.domain, {Type::MX, Type::A, Type::AAAA});
  if (known == Known::not_told) return not_told(address.domain, false, true);
  if (known == Known::exists) return Ruling::nothing(address.domain + " has an MX or address record");
  if (known == Known::null_mx)
    return Ruling::deny(softened({sender ? 550 : 556, sender ? "4.7.27" : "4.1.10",
                                  about + "Domain " + address.domain + " does not accept mail (nullMX)"}),
                        address.domain + " publishes a null MX");
  const std::string status = sender ? "4.1.8" : "4.1.2";
  if (known == Known::temporary)
    return temporary("unknown_address_tempfail_action", {450, status, about + "Domain not found"},
                     "the look-up failed for now");
  return Ruling::deny(reply("unknown_address_reject_code", 450, status, about + "Domain not found"),
                      address.domain + " has neither MX nor address record");
}

Ruling Evaluation::reject_unknown_sender_domain(const Subject&) {
  if (!progress_.sender || !resolved_sender_) return Ruling::nothing("no sender");
  return unknown_address(*resolved_sender_, *sender_, "Sender address");
}
Ruling Evaluation::reject_unknown_recipient_domain(const Subject&) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  return unknown_address(*resolved_, *recipient_, "Recipient address");
}

// ---- permit_mx_backup ----

/// All addresses of a host; nullopt where DNS was not told or failed for now.
std::optional<std::vector<IpAddress>> Evaluation::addresses_of(std::string_view host) const {
  std::vector<IpAddress> all;
  for (const auto type : {Type::A, Type::AAAA}) {
    const auto answer = ask(host, type);
    if (!answer || (!found(*answer) && !absent(*answer))) return std::nullopt;
    for (const auto& record : answer->records) all.push_back(record.address);
  }
  return all;
}

/// Is the host this server, by name (mydestination) or by address?
std::optional<bool> Evaluation::is_ours(std::string_view host) const {
  const auto named = MatchList::parse(parameters_.get("mydestination").text, tables_).match_string(to_lower(host));
  if (named.answer == Answer::yes) return true;
  const auto addresses = addresses_of(host);
  if (!addresses || named.answer == Answer::unknown) return std::nullopt;
  bool unsure = false;
  for (const auto& address : *addresses) {
    const auto own = is_own(parameters_, configuration_.own_addresses, address);
    if (own == Answer::yes) return true;
    unsure = unsure || own == Answer::unknown;
  }
  return unsure ? std::nullopt : std::optional(false);
}

/// Every address of every primary exchanger lies in permit_mx_backup_networks, or that list is empty.
std::optional<bool> Evaluation::primaries_allowed(const std::vector<dns::Record>& exchangers) {
  const auto networks = parameters_.get("permit_mx_backup_networks");
  if (networks.text.empty()) return true;
  const auto list = MatchList::parse(networks.text, tables_);
  const auto best = best_preference(exchangers);
  for (const auto& mx : exchangers) {
    if (mx.preference != best) continue;
    const auto addresses = addresses_of(mx.name);
    if (!addresses) return std::nullopt;
    if (addresses->empty()) return false;
    for (const auto& address : *addresses) {
      const auto match = list.match_client(address, mx.name, parents_of(parameters_, "permit_mx_backup_networks"));
      if (match.answer == Answer::unknown) return std::nullopt;
      if (match.answer == Answer::no) return false;
    }
  }
  return true;
}

Ruling Evaluation::permit_mx_backup(const Subject& subject) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  if (resolved_->routed && !parameters_.flag("allow_untrusted_routing").value_or(false))
    return Ruling::nothing("the address asks to be routed on");
  auto destination = permit_auth_destination(subject);
  if (destination.effect != Ruling::none) return destination;
  const auto& domain = resolved_->domain;
  if (domain.starts_with('[')) return Ruling::nothing("an address literal has no backup");
  const auto mx = ask(domain, Type::MX);
  if (!mx) return not_told(domain, true, false);
  if (absent(*mx)) {
    const auto ours = is_ours(domain);
    if (!ours) return not_told(domain, true, false);
    return *ours ? Ruling::pass(domain + " leads to this server") : Ruling::nothing(domain + " has no MX");
  }
  if (is_null_mx(*mx)) return Ruling::nothing(domain + " publishes a null MX");
  if (!found(*mx))
    return Ruling::if_reject(softened({450, "4.4.4",
                                       angle(subject.name) + ": " + std::string(subject.kind) +
                                           " rejected: Unable to look up mail exchanger information: Host not found, "
                                           "try again"}),
                             "the MX of " + domain + " cannot be looked up for now");
  const auto best = best_preference(mx->records);
  bool backup = false, primary = false, unsure = false;
  for (const auto& record : mx->records) {
    const auto ours = is_ours(record.name);
    backup = backup || ours.value_or(false);
    primary = primary || (ours.value_or(false) && record.preference == best);
    unsure = unsure || !ours;
  }
  if (primary) return Ruling::nothing("this server is the first mail exchanger of " + domain + ", no backup");
  if (unsure) return not_told("the mail exchangers of " + domain, true, true);
  if (!backup) return Ruling::nothing("this server is no mail exchanger of " + domain);
  const auto allowed = primaries_allowed(mx->records);
  if (!allowed) return not_told("the first mail exchangers of " + domain, true, true);
  if (!*allowed)
    return Ruling::nothing("the first mail exchanger of " + domain + " is not in permit_mx_backup_networks");
  return Ruling::pass("this server is a mail exchanger of " + domain);
}

}  // namespace smtpdx::mta::postfix
