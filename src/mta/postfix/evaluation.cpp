// SPDX-License-Identifier: Apache-2.0
//
// Running one restriction list: names in order until one permits or refuses. Names are case-blind, a bare type:table is
// the list's own access check, a restriction class stands for its list, warn_if_reject takes the teeth out of its
// follower.

#include "mta/postfix/evaluation.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned max_depth = 20;

std::string_view word(Ruling::Effect effect) {
  static constexpr std::array<std::string_view, 6> words = {
      "no match", "permit", "refuse", "unknown", "defer if permitted", "defer if refused"};
  return words[effect];
}

}  // namespace

struct Evaluation::Restriction {
  enum Kind { replayed, access, asks_world, asks_dns, servers, modifier };
  std::string_view name;
  Kind kind = replayed;
  bool argument = false;
  Handler handler = nullptr;
  bool may_permit = false, may_refuse = true;  ///< of what is not replayed
  TableHandler with_argument = nullptr;
};

const Evaluation::Restriction* Evaluation::known(std::string_view name) {
  using R = Restriction;
  using E = Evaluation;
  static const std::vector<Restriction> all = {
      {"permit", R::replayed, false, &E::permit},
      {"reject", R::replayed, false, &E::reject},
      {"defer", R::replayed, false, &E::defer},
      {"warn_if_reject", R::modifier},
      {"sleep", R::replayed, true, &E::says_nothing},
      {"defer_if_permit", R::replayed, false, &E::defer_if_permit},
      {"defer_if_reject", R::replayed, false, &E::defer_if_reject},
      {"permit_mynetworks", R::replayed, false, &E::permit_mynetworks},
      {"permit_sasl_authenticated", R::replayed, false, &E::permit_sasl_authenticated},
      {"permit_tls_clientcerts", R::replayed, false, &E::permit_tls_clientcerts},
      {"permit_tls_all_clientcerts", R::replayed, false, &E::permit_tls_all_clientcerts},
      {"permit_inet_interfaces", R::replayed, false, &E::permit_inet_interfaces},
      {"permit_auth_destination", R::replayed, false, &E::permit_auth_destination},
      {"permit_mx_backup", R::asks_dns, false, &E::permit_mx_backup, true, false},
      {"permit_dnswl_client", R::asks_dns, true, nullptr, true, false, &E::permit_dnswl_client},
      {"permit_rhswl_client", R::asks_world, true, nullptr, true, false},
      {"permit_naked_ip_address", R::asks_world, false, nullptr, true, false},
      {"reject_unauth_destination", R::replayed, false, &E::reject_unauth_destination},
      {"defer_unauth_destination", R::replayed, false, &E::defer_unauth_destination},
      {"check_relay_domains", R::asks_world, false, nullptr, true, true},
      {"reject_unauth_pipelining", R::replayed, false, &E::says_nothing},
      {"reject_multi_recipient_bounce", R::replayed, false, &E::says_nothing},
      {"reject_plaintext_session", R::replayed, false, &E::reject_plaintext_session},
      {"reject_invalid_helo_hostname", R::replayed, false, &E::reject_invalid_helo},
      {"reject_invalid_hostname", R::replayed, false, &E::reject_invalid_helo},
      {"reject_non_fqdn_helo_hostname", R::replayed, false, &E::reject_non_fqdn_helo},
      {"reject_non_fqdn_hostname", R::replayed, false, &E::reject_non_fqdn_helo},
      {"reject_non_fqdn_sender", R::replayed, false, &E::reject_non_fqdn_sender},
      {"reject_non_fqdn_recipient", R::replayed, false, &E::reject_non_fqdn_recipient},
      {"reject_unlisted_sender", R::replayed, false, &E::reject_unlisted_sender},
      {"reject_unlisted_recipient", R::replayed, false, &E::reject_unlisted_recipient},
      {"check_recipient_maps", R::replayed, false, &E::reject_unlisted_recipient},
      {"reject_sender_login_mismatch", R::replayed, false, &E::reject_sender_login_mismatch},
      {"reject_authenticated_sender_login_mismatch", R::replayed, false, &E::reject_authenticated_mismatch},
      {"reject_known_sender_login_mismatch", R::replayed, false, &E::reject_known_mismatch},
      {"reject_unauthenticated_sender_login_mismatch", R::replayed, false, &E::reject_unauthenticated_mismatch},
      {"check_client_access", R::access, true},
      {"check_helo_access", R::access, true},
      {"check_sender_access", R::access, true},
      {"check_recipient_access", R::access, true},
      {"check_sasl_access", R::access, true},
      {"check_ccert_access", R::access, true},
      {"check_policy_service", R::asks_world, true, nullptr, true, true},
      {"reject_unknown_client_hostname", R::asks_dns, false, &E::reject_unknown_client},
      {"reject_unknown_client", R::asks_dns, false, &E::reject_unknown_client},
      {"reject_unknown_reverse_client_hostname", R::asks_dns, false, &E::reject_unknown_reverse_client},
      {"reject_unknown_forward_client_hostname", R::asks_world},
      {"reject_unknown_helo_hostname", R::asks_dns, false, &E::reject_unknown_helo},
      {"reject_unknown_hostname", R::asks_dns, false, &E::reject_unknown_helo},
      {"reject_unknown_sender_domain", R::asks_dns, false, &E::reject_unknown_sender_domain},
      {"reject_unknown_address", R::asks_dns, false, &E::reject_unknown_sender_domain},
      {"reject_unknown_recipient_domain", R::asks_dns, false, &E::reject_unknown_recipient_domain},
      {"reject_unverified_sender", R::asks_world},
      {"reject_unverified_recipient", R::asks_world},
      {"reject_maps_rbl", R::asks_world},
      {"reject_rbl", R::asks_dns, true, nullptr, false, true, &E::reject_rbl_client},
      {"reject_rbl_client", R::asks_dns, true, nullptr, false, true, &E::reject_rbl_client},
      {"reject_rhsbl_client", R::asks_dns, true, nullptr, false, true, &E::reject_rhsbl_client},
      {"reject_rhsbl_reverse_client", R::asks_dns, true, nullptr, false, true, &E::reject_rhsbl_reverse_client},
      {"reject_rhsbl_helo", R::asks_dns, true, nullptr, false, true, &E::reject_rhsbl_helo},
      {"reject_rhsbl_sender", R::asks_dns, true, nullptr, false, true, &E::reject_rhsbl_sender},
      {"reject_rhsbl_recipient", R::asks_dns, true, nullptr, false, true, &E::reject_rhsbl_recipient},
      {"check_reverse_client_hostname_access", R::servers, true},
      {"check_etrn_access", R::asks_world, true, nullptr, true, true},
      {"check_client_ns_access", R::servers, true},
      {"check_client_mx_access", R::servers, true},
      {"check_client_a_access", R::servers, true},
      {"check_reverse_client_hostname_ns_access", R::servers, true},
      {"check_reverse_client_hostname_mx_access", R::servers, true},
      {"check_reverse_client_hostname_a_access", R::servers, true},
      {"check_helo_ns_access", R::servers, true},
      {"check_helo_mx_access", R::servers, true},
      {"check_helo_a_access", R::servers, true},
      {"check_sender_ns_access", R::servers, true},
      {"check_sender_mx_access", R::servers, true},
      {"check_sender_a_access", R::servers, true},
      {"check_recipient_ns_access", R::servers, true},
      {"check_recipient_mx_access", R::servers, true},
      {"check_recipient_a_access", R::servers, true},
  };
  const auto found = std::find_if(all.begin(), all.end(), [&](const Restriction& r) { return iequals(r.name, name); });
  return found == all.end() ? nullptr : &*found;
}

bool is_restriction(std::string_view name) { return Evaluation::knows(name); }

bool takes_argument(std::string_view restriction) { return Evaluation::argument_follows(restriction); }

bool Evaluation::argument_follows(std::string_view restriction) {
  const auto* one = known(restriction);
  return one && one->argument;
}

bool Evaluation::is_class(std::string_view name) const {
  const auto names = parameters_.get("smtpd_restriction_classes");
  for (const auto& one : split_outside_braces(names.text, ","))
    if (one.text() == name) return true;
  return false;
}

/// What goes out: a code that is none becomes smtpd's own, soft_bounce makes every refusal temporary.
Reply Evaluation::softened(Reply reply) const {
  if (reply.code < 400 || reply.code > 599) return {450, "4.7.1", "Service unavailable"};
  if (reply.code >= 500 && parameters_.flag("soft_bounce").value_or(false)) {
    reply.code -= 100;
    reply.softened = true;
  }
  if (!reply.status.empty()) reply.status[0] = static_cast<char>('0' + reply.code / 100);
  return reply;
}

Reply Evaluation::reply(std::string_view code_parameter, int fallback, std::string status, std::string text) const {
  const auto code = parameters_.number(code_parameter);
  return softened({code ? static_cast<int>(*code) : fallback, std::move(status), std::move(text)});
}

Subject Evaluation::client_subject() const {
  const auto address = session_.client ? session_.client->to_string() : std::string("…");
  return {peer_.name.value_or("…") + "[" + address + "]", "Client host", "check_client_access"};
}
Subject Evaluation::helo_subject() const { return {session_.helo.value_or("…"), "Helo command", "check_helo_access"}; }
Subject Evaluation::sender_subject() const {
  return {sender_.value_or(session_.sender), "Sender address", "check_sender_access"};
}
Subject Evaluation::recipient_subject() const {
  return {recipient_.value_or(session_.recipient), "Recipient address", "check_recipient_access"};
}

void Evaluation::note(const Cited& name, const Cited* argument, std::string_view parameter, const Ruling& ruling) {
  const auto shown = argument ? name.text() + " " + argument->text() : name.text();
  trace_.push_back({printable(shown, 200), std::string(ruling.not_replayed ? "not replayed" : word(ruling.effect)),
                    ruling.why, std::string(parameter), name.where()});
}

/// A nested list rules for the one it stands in.
Ruling Evaluation::apply_list(const Cited& list, std::string_view parameter, const Subject& subject, unsigned depth,
                              ListResult& nested) {
  nested = run_list(list, parameter, subject, depth + 1);
  if (nested.end == ListResult::permitted) return Ruling::pass({});
  if (nested.end == ListResult::refused) return Ruling::deny(nested.reply, {});
  return Ruling::nothing();
}

Ruling Evaluation::apply(const Cited& name, const Cited* argument, std::string_view parameter, const Subject& subject,
                         unsigned depth, ListResult& nested) {
  if (depth > max_depth)
    return Ruling::open_question("lists in lists, deeper than " + std::to_string(max_depth), true, true);
  if (has_unknown(name.text()))
    return Ruling::open_question("the value of $" + unknown_names(name.text()).front(), true, true);
  if (is_table(name.text()))
    return check_access(subject.default_access, name, parameter, depth, nested).as(std::string(subject.default_access));
  if (is_class(name.text())) return apply_list(parameters_.get(name.text()).text, parameter, subject, depth, nested);
  const auto* restriction = known(name.text());
  if (!restriction || (restriction->argument && !argument)) {
    return Ruling::deny(softened({451, "4.3.5", "Server configuration error"}),
                        restriction ? "without the argument it needs" : "no restriction of that name");
  }
  if (restriction->kind == Restriction::access)
    return check_access(restriction->name, *argument, parameter, depth, nested);
  const bool servers = restriction->kind == Restriction::servers;
  const bool asks_dns = servers || restriction->kind == Restriction::asks_dns;
  if (servers && session_.names) {
    if (!is_table(argument->text()))
      return Ruling::deny(softened({451, "4.3.5", "Server configuration error"}), "its argument is no type:table");
    if (const auto* which = servers_of(restriction->name))
      return check_servers(*which, *argument, parameter, depth, nested);
    return check_reverse_client(*argument, parameter, depth, nested);
  }
  if (restriction->kind == Restriction::asks_world || (asks_dns && !session_.names)) {
    auto open = Ruling::open_question("what " + name.text() + (argument ? " " + printable(argument->text(), 80) : "") +
                                          " (" + name.where().to_string() + ") says",
                                      restriction->may_permit || servers, restriction->may_refuse);
    open.not_replayed = true;
    return open;
  }
  if (restriction->with_argument) return (this->*restriction->with_argument)(*argument, subject);
  return (this->*restriction->handler)(subject);
}

void Evaluation::remember_deferral(const Ruling& ruling, DecidedBy by) {
  if (!deferral_) deferral_ = Deferral{ruling.reply, std::move(by)};
}

Evaluation::ListResult Evaluation::run_list(const Cited& list, std::string_view parameter, const Subject& subject,
                                            unsigned depth) {
  const auto names = split_outside_braces(list, ",");
  bool warn_only = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto* restriction = known(names[i].text());
    if (restriction && restriction->kind == Restriction::modifier) {
      warn_only = true;
      continue;
    }
    const Cited* argument = nullptr;
    const auto& name = names[i];
    if (restriction && restriction->argument && i + 1 < names.size()) argument = &names[++i];
    ListResult nested;
    auto ruling = apply(name, argument, parameter, subject, depth, nested);
    if (warn_only) {
      warn_only = false;
      if (ruling.effect == Ruling::refuse)
        ruling = Ruling::nothing("would refuse, but warn_if_reject stands before it");
      ruling.may_refuse = false;
      if (ruling.effect == Ruling::defer_if_permit) ruling.effect = Ruling::none;
      if (ruling.effect == Ruling::open && !ruling.may_permit) ruling.effect = Ruling::none;
    }
    note(name, argument, parameter, ruling);
    if (ruling.effect == Ruling::defer_if_reject && !refusal_for_now_) refusal_for_now_ = ruling.reply;
    if (ruling.effect == Ruling::defer_if_permit)
      remember_deferral(ruling, {name.text(), std::string(parameter), name.where()});
    if (ruling.effect == Ruling::open) {
      open_permit_ = open_permit_ || ruling.may_permit;
      open_refuse_ = open_refuse_ || ruling.may_refuse;
      list_unknown_.push_back(ruling.why);
    }
    // Put off whatever the rest of this list would say: smtpd does not go on with it.
    if (deferral_ && refusal_for_now_) return {};
    if (ruling.effect != Ruling::permit && ruling.effect != Ruling::refuse) continue;
    ListResult result{ruling.effect == Ruling::permit ? ListResult::permitted : ListResult::refused, ruling.reply,
                      nested.by};
    // What is refused for now already stays as it is.
    if (result.end == ListResult::refused && refusal_for_now_ && (result.reply.code >= 500 || result.reply.softened))
      result.reply = *refusal_for_now_;
    if (!result.by)
      result.by = DecidedBy{ruling.inner.empty() ? name.text() : ruling.inner, std::string(parameter),
                            ruling.where.built_in() ? name.where() : ruling.where};
    return result;
  }
  return {};
}

}  // namespace smtpdx::mta::postfix
