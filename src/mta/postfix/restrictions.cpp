// SPDX-License-Identifier: Apache-2.0
//
// What each restriction says, one function a name, in the words and codes of smtpd.

#include <algorithm>

#include "base/text.hpp"
#include "mta/postfix/evaluation.hpp"

namespace smtpdx::mta::postfix {
namespace {

std::string angle(const std::string& text) { return "<" + text + ">"; }

std::string_view without_final_dot(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool authorised(AddressClass c) {
  return c == AddressClass::local || c == AddressClass::virtual_alias || c == AddressClass::virtual_mailbox ||
         c == AddressClass::relay;
}

}  // namespace

Ruling Evaluation::bad_configuration(const Subject& subject, std::string why) const {
  const auto text = angle(subject.name) + ": " + std::string(subject.kind) + " rejected: Server configuration error";
  return Ruling::deny(softened({451, "4.3.5", text}), std::move(why));
}

Ruling Evaluation::lookup_failure(const std::string& name, std::string why) const {
  return Ruling::deny(softened({451, "4.3.0", angle(name) + ": Temporary lookup failure"}), std::move(why));
}

Ruling Evaluation::says_nothing(const Subject&) {
  return Ruling::nothing("says nothing about a client that keeps to the protocol");
}

Ruling Evaluation::permit(const Subject&) { return Ruling::pass("permits everybody"); }

Ruling Evaluation::reject(const Subject& subject) {
  const auto text = angle(subject.name) + ": " + std::string(subject.kind) + " rejected: Access denied";
  return Ruling::deny(reply("reject_code", 554, "5.7.1", text), "refuses everybody who gets this far");
}

Ruling Evaluation::defer(const Subject& subject) {
  const auto text = angle(subject.name) + ": " + std::string(subject.kind) + " rejected: Try again later";
  return Ruling::deny(reply("defer_code", 450, "4.3.2", text), "defers everybody who gets this far");
}

Ruling Evaluation::defer_later(Ruling::Effect effect, const Subject& subject) {
  Ruling ruling;
  ruling.effect = effect;
  ruling.reply = {450, "4.7.0",
                  angle(subject.name) + ": " + std::string(subject.kind) + " rejected: defer_if_" +
                      (effect == Ruling::defer_if_permit ? "permit" : "reject") + " requested"};
  ruling.why = "asked for by name";
  return ruling;
}

Ruling Evaluation::defer_if_permit(const Subject& subject) { return defer_later(Ruling::defer_if_permit, subject); }
Ruling Evaluation::defer_if_reject(const Subject& subject) { return defer_later(Ruling::defer_if_reject, subject); }

Ruling Evaluation::permit_mynetworks(const Subject& subject) {
  if (!session_.client) return Ruling::open_question("the client's address, for mynetworks", true, false);
  const auto trust = trusted(parameters_, tables_, configuration_.own_addresses, {*session_.client, peer_.name});
  if (trust.broken) return lookup_failure(subject.name, trust.why);
  if (trust.answer == Answer::unknown) return Ruling::open_question(trust.why, true, true);
  return trust.answer == Answer::yes ? Ruling::pass(trust.why) : Ruling::nothing(trust.why);
}

Ruling Evaluation::permit_sasl_authenticated(const Subject&) {
  if (!progress_.login) return Ruling::nothing("not logged in");
  return Ruling::pass("logged in" +
                      (session_.login->user ? " as " + printable(*session_.login->user, 80) : std::string()));
}

/// What holds of the client's certificate without looking at it; nullopt where there is one to look at.
std::optional<Ruling> Evaluation::certificate_settled() const {
  const bool asked =
      parameters_.flag("smtpd_tls_ask_ccert").value_or(true) || parameters_.flag("smtpd_tls_req_ccert").value_or(true);
  if (!asked || !tls_on()) return Ruling::nothing("the server asks for no client certificate");
  if (session_.certificate) return std::nullopt;
  if (session_.certificate_told) return Ruling::nothing("no client certificate");
  return Ruling::open_question("whether the client shows a certificate", true, false);
}

Ruling Evaluation::permit_tls_all_clientcerts(const Subject&) {
  if (auto settled = certificate_settled()) return *settled;
  return session_.certificate->trusted ? Ruling::pass("a trusted client certificate")
                                       : Ruling::nothing("the client certificate is not trusted");
}

Ruling Evaluation::permit_tls_clientcerts(const Subject&) {
  const auto maps = parameters_.get("relay_clientcerts");
  if (maps.text.empty()) return Ruling::nothing("relay_clientcerts is empty");
  if (auto settled = certificate_settled()) return *settled;
  const auto digest = parameters_.get("smtpd_tls_fingerprint_digest").text.text();
  std::vector<std::string> keys;
  for (const auto& [name, value] : session_.certificate->fingerprints)
    if (name == digest || name == "pubkey_" + digest) keys.push_back(value);
  if (keys.empty()) return Ruling::open_question("the certificate's " + digest + " fingerprint", true, false);
  const auto found = find_in(maps.text, keys);
  if (found.answer == Answer::unknown) return Ruling::open_question(found.why, true, true);
  if (found.answer == Answer::no)
    return Ruling::nothing("the certificate is not in relay_clientcerts (" + maps.where.to_string() + ")");
  auto ruling = Ruling::pass("the certificate is in relay_clientcerts (" + found.where.to_string() + ")");
  ruling.where = found.where;
  return ruling;
}

Ruling Evaluation::permit_inet_interfaces(const Subject&) {
  if (!session_.client) return Ruling::open_question("the client's address, for inet_interfaces", true, false);
  const auto own = is_own(parameters_, configuration_.own_addresses, *session_.client);
  const auto address = session_.client->to_string();
  if (own == Answer::unknown)
    return Ruling::open_question("whether " + address + " is the server's own address", true, false);
  return own == Answer::yes ? Ruling::pass(address + " is the server's own address")
                            : Ruling::nothing(address + " is not the server's own");
}

Ruling Evaluation::permit_auth_destination(const Subject&) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  const bool trusted_routes = parameters_.flag("allow_untrusted_routing").value_or(false);
  if (resolved_->routed && !trusted_routes) return Ruling::nothing("the address asks to be routed on");
  if (resolved_->broken) return lookup_failure(recipient_subject().name, resolved_->why);
  if (resolved_->address_class == AddressClass::unknown) return Ruling::open_question(resolved_->why, true, true);
  const auto what = resolved_->domain + ": class " + std::string(to_string(resolved_->address_class));
  return authorised(resolved_->address_class) ? Ruling::pass(what) : Ruling::nothing(what);
}

Ruling Evaluation::unauth_destination(int code, const std::string& status) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  const auto denied = softened({code, status, angle(recipient_subject().name) + ": Relay access denied"});
  const bool trusted_routes = parameters_.flag("allow_untrusted_routing").value_or(false);
  if (resolved_->routed && !trusted_routes)
    return Ruling::deny(denied, "the local part of " + printable(with_names(resolved_->address), 120) +
                                    " holds a routing operator (allow_untrusted_routing = no)");
  if (resolved_->broken) return lookup_failure(recipient_subject().name, resolved_->why);
  if (resolved_->address_class == AddressClass::unknown) return Ruling::open_question(resolved_->why, false, true);
  if (authorised(resolved_->address_class))
    return Ruling::nothing(with_names(resolved_->domain) + " is a " + std::string(to_string(resolved_->address_class)) +
                           " domain (" + resolved_->parameter + ", " + resolved_->where.to_string() + ")");
  return Ruling::deny(denied, with_names(resolved_->domain) + " is in none of " + classes_.lists_shown());
}

Ruling Evaluation::reject_unauth_destination(const Subject&) {
  return unauth_destination(static_cast<int>(parameters_.number("relay_domains_reject_code").value_or(554)), "5.7.1");
}

Ruling Evaluation::defer_unauth_destination(const Subject&) {
  // The temporary twin of relay_domains_reject_code: 554 becomes 454.
  return unauth_destination(static_cast<int>(parameters_.number("relay_domains_reject_code").value_or(554)) - 100,
                            "4.7.1");
}

Ruling Evaluation::reject_plaintext_session(const Subject&) {
  if (tls_on()) return Ruling::nothing("the session is encrypted");
  return Ruling::deny(reply("plaintext_reject_code", 450, "4.7.1", "Session encryption is required"),
                      "the session is not encrypted");
}

Ruling Evaluation::helo_literal(const std::string& helo) const {
  if (valid_literal(helo)) return Ruling::nothing("an address literal");
  return Ruling::deny(
      reply("invalid_hostname_reject_code", 501, "5.5.2", angle(helo) + ": Helo command rejected: invalid ip address"),
      "no address in the brackets");
}

Ruling Evaluation::reject_invalid_helo(const Subject&) {
  if (!progress_.helo) return Ruling::nothing("there is no greeting yet");
  if (!session_.helo) return Ruling::open_question("the client's EHLO name", false, true);
  const auto& helo = *session_.helo;
  if (helo.starts_with('[')) return helo_literal(helo);
  const auto name = without_final_dot(helo);
  if (valid_host_name(name) || IpAddress::parse(name)) return Ruling::nothing("a well-formed name");
  return Ruling::deny(
      reply("invalid_hostname_reject_code", 501, "5.5.2", angle(helo) + ": Helo command rejected: Invalid name"),
      "no well-formed name");
}

Ruling Evaluation::reject_non_fqdn_helo(const Subject&) {
  if (!progress_.helo) return Ruling::nothing("there is no greeting yet");
  if (!session_.helo) return Ruling::open_question("the client's EHLO name", false, true);
  const auto& helo = *session_.helo;
  if (helo.starts_with('[')) return helo_literal(helo);
  const auto name = without_final_dot(helo);
  if (valid_host_name(name) && name.find('.') != std::string_view::npos) return Ruling::nothing("a full name");
  return Ruling::deny(reply("non_fqdn_reject_code", 504, "5.5.2",
                            angle(helo) + ": Helo command rejected: need fully-qualified hostname"),
                      "not a full name");
}

Ruling Evaluation::need_full_address(const std::string& address, std::string_view kind) const {
  const auto at = address.rfind('@');
  const auto domain = at == std::string::npos ? std::string_view() : std::string_view(address).substr(at + 1);
  if (domain.starts_with('[') && domain.ends_with(']')) return Ruling::nothing("an address literal");
  const auto name = without_final_dot(domain);
  if (valid_host_name(name) && name.find('.') != std::string_view::npos) return Ruling::nothing("a full address");
  return Ruling::deny(reply("non_fqdn_reject_code", 504, "5.5.2",
                            angle(address) + ": " + std::string(kind) + " rejected: need fully-qualified address"),
                      "no full domain");
}

Ruling Evaluation::reject_non_fqdn_sender(const Subject&) {
  if (!progress_.sender || sender_->empty()) return Ruling::nothing("no sender");
  return need_full_address(*sender_, "Sender address");
}

Ruling Evaluation::reject_non_fqdn_recipient(const Subject&) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  return need_full_address(*recipient_, "Recipient address");
}

Ruling Evaluation::reject_unlisted_sender(const Subject&) {
  if (!progress_.sender || !resolved_sender_) return Ruling::nothing("no sender");
  return unlisted(*resolved_sender_, "Sender address", *sender_, "5.1.0");
}

Ruling Evaluation::reject_unlisted_recipient(const Subject&) {
  if (!progress_.recipient) return Ruling::nothing("there is no recipient yet");
  return unlisted(*resolved_, "Recipient address", *recipient_, "5.1.1");
}

Found Evaluation::sender_owners() const {
  if (session_.assumed && session_.assumed->owners) return *session_.assumed->owners;
  return resolved_sender_ ? find_address("smtpd_sender_login_maps", *resolved_sender_) : Found{};
}

int Evaluation::sender_listed() {
  progress_.sender = true;
  return reject_unlisted_sender(sender_subject()).effect;
}

int Evaluation::recipient_listed() {
  progress_.recipient = true;
  return reject_unlisted_recipient(recipient_subject()).effect;
}

/// The sender belongs to logins (smtpd_sender_login_maps) and this is none of them.
Ruling Evaluation::owner_check(bool unknown_sender_passes) {
  if (!progress_.sender || !resolved_sender_) return Ruling::nothing("no sender");
  if (!progress_.login) return Ruling::nothing("not logged in");
  const auto maps = parameters_.get("smtpd_sender_login_maps");
  const auto found = sender_owners();
  if (found.answer == Answer::unknown) return Ruling::open_question(found.why, false, true);
  if (found.answer == Answer::no && unknown_sender_passes) return Ruling::nothing("the sender belongs to nobody");
  if (!session_.login->user)
    return Ruling::open_question("which user logs in, for smtpd_sender_login_maps", false, true);
  const auto owners = split_outside_braces(Cited(found.value, found.where), ",");
  const auto mine = [&](const Cited& owner) { return iequals(owner.text(), *session_.login->user); };
  if (found.answer == Answer::yes && std::any_of(owners.begin(), owners.end(), mine))
    return Ruling::nothing("the sender belongs to this login (" + found.where.to_string() + ")");
  return Ruling::deny(
      softened(
          {553, "5.7.1", angle(*sender_) + ": Sender address rejected: not owned by user " + *session_.login->user}),
      "the sender does not belong to this login (smtpd_sender_login_maps, " + maps.where.to_string() + ")");
}

Ruling Evaluation::reject_authenticated_mismatch(const Subject&) { return owner_check(false); }
Ruling Evaluation::reject_known_mismatch(const Subject& subject) {
  return progress_.login ? owner_check(true) : reject_unauthenticated_mismatch(subject);
}

Ruling Evaluation::reject_unauthenticated_mismatch(const Subject&) {
  if (!progress_.sender || !resolved_sender_) return Ruling::nothing("no sender");
  if (progress_.login) return Ruling::nothing("logged in");
  if (!parameters_.flag("smtpd_sasl_auth_enable").value_or(false)) return Ruling::nothing("this service has no login");
  const auto found = sender_owners();
  if (found.answer == Answer::unknown) return Ruling::open_question(found.why, false, true);
  if (found.answer == Answer::no) return Ruling::nothing("the sender belongs to nobody");
  return Ruling::deny(softened({553, "5.7.1", angle(*sender_) + ": Sender address rejected: not logged in"}),
                      "the sender belongs to a login (" + found.where.to_string() + "), and nobody is logged in");
}

Ruling Evaluation::reject_sender_login_mismatch(const Subject& subject) {
  return progress_.login ? owner_check(false).as("reject_authenticated_sender_login_mismatch")
                         : reject_unauthenticated_mismatch(subject).as("reject_unauthenticated_sender_login_mismatch");
}

}  // namespace smtpdx::mta::postfix
