// SPDX-License-Identifier: Apache-2.0
//
// Causes that lie in who the client is: its address (S35, S50), the family (S36) or port (S70) it comes by, the name it
// greets with (S54), its reverse DNS (S55).
// We are another client: each of these is proved by a flip over our own source address or greeting, or by a record
// (DNS, a server's configuration, a list that holds the address the refusal names), never by our being treated in some
// way.

#include <algorithm>

#include "base/text.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::Axis;
using diag::CauseVerdict;
using diag::Outcome;
using diag::Proof;
using diag::Role;
using kb::Reason;

namespace {
/// The words or the user name the address that was refused. Our own source is another client's.
bool refused_address_known(const View& view) {
  return IpAddress::parse(view.refusal()->refusal.client_address) || view.question().client.address;
}
/// The refused client may be another than we, as far as its address is known.
bool another_client(const View& view) {
  auto seen = view.refusal() ? IpAddress::parse(view.refusal()->refusal.client_address) : std::nullopt;
  if (!seen) seen = view.question().client.address;
  const auto& own = view.question().sources;
  return seen && std::ranges::find(own, *seen) == own.end();
}

/// The server's two address families: refused by one, accepted by the other, refused again.
std::optional<Flip> family_flip(const View& view, const ServerLook& look) {
  auto flip = view.flip(Axis::address, look.host());
  if (!flip || !flip->refused->shape.user.empty() || flip->refused->shape.server.port != look.port() ||
      flip->refused->shape.server.address.is_v6() == flip->accepted->shape.server.address.is_v6())
    return std::nullopt;
  return flip;
}

std::string greeting_at(const View& view, const Endpoint& server) {
  for (const auto& s : view.sessions())
    if (const auto* caps = s->shape.server == server ? s->capabilities() : nullptr) return caps->greeting_name;
  return {};
}

}  // namespace

CauseVerdict s36_changed_family(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission || !view.refusal()) return Say::nothing();
  if (!same_family(view.asked_reason(), Reason::relay_denied)) return Say::nothing();
  if (look.offers_auth(look.port()).value_or(false) || look.other_port_with_auth() != 0)
    return Say::ruled_out().because(look.session_ids(),
                                    "the server offers a login: that, not the address, is what opens it");
  auto flip = family_flip(view, look);
  if (!flip || !look.auth_nowhere()) return Say::nothing();
  const auto& refused = flip->refused->shape.server;
  const auto& accepted = flip->accepted->shape.server;
  const auto family = [](const Endpoint& at) { return std::string(at.address.is_v6() ? "IPv6" : "IPv4"); };
  const auto what = "by " + family(refused) + " (" + refused.to_string() + ") refused, by " + family(accepted) + " (" +
                    accepted.to_string() + ") accepted, by " + family(refused) + " refused again";
  Say say = Say::likely(9);
  const auto name = greeting_at(view, refused);
  if (name.empty() || !iequals(name, greeting_at(view, accepted)))
    return say.because(flip->ids(), what)
        .rival("submit.wrong_endpoint")
        .needs("that both addresses of " + look.host() + " are the same server: they greet with different names");
  if (another_client(view))
    return say.because(flip->ids(), what)
        .needs("the same from the refused client itself: we come from another address");
  return Say::proved(Proof::flip, 9)
      .because(look.session_ids(), look.host() + " offers no login on any port: it can only go by addresses")
      .because(flip->ids(), what);
}

CauseVerdict s70_not_on_submission(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission || !view.refusal() || !look.port_typed()) return Say::nothing();
  if (look.port() != 587 && look.port() != 465) return Say::nothing();
  if (!same_family(view.asked_reason(), Reason::relay_denied)) return Say::nothing();
  const auto held = view.refusal()->refusal.decided().code;
  if (auto config = view.config(); config && config->client_trusted.value_or(false) && config->reply_code != 0 &&
                                   config->deciding.find("unauth_destination") != std::string::npos &&
                                   config->relay_list.find("permit_mynetworks") == std::string::npos &&
                                   (held == 0 || held == config->reply_code))
    return Say::proved(Proof::record, 9)
        .because(*config.id, config->client_why + ", which on port " + std::to_string(look.port()) +
                                 " nothing asks for: " + config->relay_list + " (" + config->relay_where + ")");
  const auto port25 = [&](Role role) -> Seen<diag::Attempt> {
    for (const auto& a : view.attempts())
      if (a->shape.host == look.host() && a->shape.server.port == 25 && a->shape.user.empty() && a->role == role)
        return a;
    return {};
  };
  if (auto a = port25(Role::recipient); a && view.relay_refused(*a))
    return Say::ruled_out().because(*a.id, "port 25 refuses the same session, too");
  auto flip = view.flip(Axis::port, look.host(), Role::recipient);
  if (!flip || flip->refused->shape.server.port != look.port() || flip->accepted->shape.server.port != 25 ||
      !flip->accepted->shape.user.empty())
    return Say::nothing();
  const auto what = "without a login, port " + std::to_string(look.port()) +
                    " refuses the recipient, port 25 accepts it, and port " + std::to_string(look.port()) +
                    " refuses it again";
  const auto foreign = port25(Role::foreign);
  // A recipient that the server has itself is taken on port 25 from anybody, and says nothing about a list.
  if (!foreign || foreign->outcome != Outcome::accepted)
    return Say::likely(19)
        .because(flip->ids(), what)
        .rival("submit.auth_not_attempted")
        .needs("a recipient that is surely foreign to the server, accepted on port 25 as well");
  if (another_client(view))
    return Say::likely(19)
        .because(flip->ids(), what)
        .needs("the same from the refused client itself: we come from another address");
  return Say::proved(Proof::flip, 9)
      .because(flip->ids(), what)
      .because(*foreign.id, "and port 25 relays for us in general: " + foreign->shape.rcpt_to + " is accepted there");
}

CauseVerdict s35_not_in_allowlist(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission || is_tenant_exchanger(look.host())) return Say::nothing();
  if (!same_family(view.asked_reason(), Reason::relay_denied)) return Say::nothing();
  if (auto config = view.config(); config && config->client_trusted && !*config->client_trusted &&
                                   !config->sasl_enabled.value_or(true) && config->reply_code != 0 && view.refusal()) {
    const auto code = view.refusal()->refusal.decided().code;
    if (code == 0 || code == config->reply_code)
      return Say::proved(Proof::record, 10)
          .because(*config.id, config->client_why + "; no login is offered, so that " + config->deciding + " (" +
                                   config->relay_where + ") refuses");
  }
  if (look.offers_auth(look.port()).value_or(false) || look.other_port_with_auth() != 0)
    return Say::ruled_out().because(look.session_ids(),
                                    "the server offers a login: that, not the address, is what opens it");
  if (!look.auth_nowhere() || look.other_machine_at_port()) return Say::nothing();
  if (auto flip = family_flip(view, look))
    return Say::ruled_out().because(flip->ids(), "by the other address family this client is accepted: it is listed");
  auto anonymous = look.anonymous(look.port(), look.shape_tls());
  if (!anonymous || !view.refused_as_asked(*anonymous) || !view.refusal()) return Say::nothing();
  if (auto flip = view.flip(Axis::source, look.host()))
    return Say::proved(Proof::flip, 10)
        .because(look.session_ids(), look.host() + " offers no login on any port")
        .because(flip->ids(), "from " + flip->refused->shape.source + " refused, from " + flip->accepted->shape.source +
                                  " accepted, from the first refused again");
  Say say = Say::likely(10);
  say.because(look.session_ids(), look.host() + " offers no login on any port: it can only go by addresses")
      .because(*anonymous.id, "from here the recipient is refused: " + anonymous->reply->to_string());
  if (auto local = look.local_accepted()) say.because(*local.id, "while " + local->shape.rcpt_to + " is accepted");
  return say.rival("ip.changed_family_or_dynamic")
      .needs("--config postfix:PATH of that server, or a second --source (or --via) that may relay");
}

CauseVerdict s50_blocklist_or_access(const View& view) {
  auto r = view.refusal();
  const auto reason = view.asked_reason();
  if (r && r->reading.states == "lookalike.dnsbl_resolver_refused")
    return Say::ruled_out().because(
        *r.id, "the words say that the list refused the server's own resolver: that is no listing of anybody");
  const bool asked = reason == Reason::dnsbl_listed || reason == Reason::ip_blocked || reason == Reason::reputation;
  if (!r || !asked) {
    // Live: relay words to everyone, and no word about us, speak against a block of the client.
    return Say::nothing();
  }
  for (const auto& list : view.lists()) {
    if (list->answer.status == dns::Status::no_name && !r->refusal.client_address.empty() &&
        list->address.to_string() == r->refusal.client_address)
      return Say::likely(20)
          .because(*list.id, r->refusal.client_address + " is not on " + list->zone + " now")
          .needs("the listing at the time of the bounce");
    if (list->answer.status != dns::Status::found || list->answer.records.empty()) continue;
    const auto code = list->answer.records.front().address.to_string();
    if (!code.starts_with("127.")) continue;         // RFC 5782 §2.1: not an answer of a list, but of a parked domain
    if (code.starts_with("127.255.255.")) continue;  // RFC 5782 operators' error range: the list refuses our resolver
    if (!refused_address_known(view))
      return Say::likely(10)
          .because(*list.id, list->address.to_string() + " is on " + list->zone + " (" + code + ")")
          .needs("the refused client's address (--client-address): this one is ours");
    return Say::proved(Proof::record, 10)
        .because({*r.id, *list.id},
                 list->address.to_string() + " is on " + list->zone + " (" + code + "), the list the refusal names");
  }
  if (auto flip = view.flip(Axis::source))
    return Say::proved(Proof::flip, 10)
        .because(flip->ids(), "from " + flip->refused->shape.source + " refused, from " + flip->accepted->shape.source +
                                  " accepted, from the first refused again");
  return Say::nothing();
}

CauseVerdict s54_helo_invalid(const View& view) {
  auto r = view.refusal();
  if (r && !view.has_candidate("client.helo_invalid")) return Say::nothing();
  if (auto flip = view.flip(Axis::helo); flip && r)
    return Say::proved(Proof::flip, 10)
        .because(flip->ids(), "greeted with \"" + flip->refused->shape.helo + "\" it is refused (" +
                                  flip->refused->reply->to_string() + "), with \"" + flip->accepted->shape.helo +
                                  "\" accepted, and refused again with the first");
  const auto& helo = view.question().client.helo;
  if (!r || helo.empty()) return Say::nothing();
  for (const auto& a : view.attempts())
    if (iequals(a->shape.helo, helo) && a->outcome == Outcome::accepted)
      return Say::ruled_out().because(*a.id, "greeted with \"" + helo + "\" it is accepted");
  return Say::nothing();
}

CauseVerdict s55_missing_ptr(const View& view) {
  auto r = view.refusal();
  if (!r || !view.has_candidate("dns.missing_ptr")) return Say::nothing();
  std::optional<IpAddress> seen = IpAddress::parse(r->refusal.client_address);
  if (!seen) seen = view.question().client.address;
  if (!seen && !view.question().sources.empty()) seen = view.question().sources.front();
  if (!seen) return Say::nothing();
  if (seen->is_private())
    return Say::ruled_out().because(
        *r.id, "the address seen, " + seen->to_string() + ", is a private one: it hides the sender (S36, S37)");
  auto ptr = view.ptr(*seen);
  if (!ptr) return Say::nothing();
  const auto& back = ptr->reverse;
  if (back.confirmed())
    return Say::ruled_out().because(*ptr.id,
                                    seen->to_string() + " has a PTR (" + back.best_name() + ") that points back");
  if (!back.complete())
    return Say::untested(diag::Side::theirs, "the PTR of " + seen->to_string() + " could not be looked up")
        .because(*ptr.id);
  const auto what = back.names.empty()
                        ? seen->to_string() + " has no PTR record"
                        : "the PTR of " + seen->to_string() + ", " + back.best_name() + ", does not point back to it";
  if (view.branch() == Branch::submission) {
    ServerLook look(view);
    if (look.offers_auth(look.port()).value_or(false) || look.other_port_with_auth() != 0)
      return Say::likely(15)
          .because({*r.id, *ptr.id}, what)
          .rival("submit.wrong_port_25")
          .needs("whether this client should have logged in instead (--user, --password-file)");
  }
  if (!refused_address_known(view))
    return Say::likely(15)
        .because({*r.id, *ptr.id}, what)
        .needs("the refused client's address (--client-address): this one is ours");
  return Say::proved(Proof::record, 10).because({*r.id, *ptr.id}, what);
}

CauseVerdict s64_sender_domain(const View& view) {
  auto r = view.refusal();
  const auto domain = domain_of(view.sender());
  if (!r || domain.empty() || !view.has_candidate("sender.domain_unresolvable")) return Say::nothing();
  auto mx = view.mx(domain);
  if (!mx) return Say::nothing();
  if (mx->mx.kind == dns::MxKind::unknown)
    return Say::untested(diag::Side::theirs, "the DNS of " + domain)
        .because(*mx.id, "the sender's domain " + domain + " cannot be looked up: " + mx->mx.why);
  // It resolves here and now: the receiver's resolver, or the time, may have been another.
  if (mx->mx.kind != dns::MxKind::no_name && mx->mx.kind != dns::MxKind::none) return Say::nothing();
  const auto what = "the sender's domain " + domain +
                    (mx->mx.kind == dns::MxKind::no_name ? " does not exist" : " has neither MX nor address records");
  for (const auto& a : view.attempts())
    if (view.refused_as_asked(*a) && iequals(a->shape.mail_from, view.sender()) && a->reply &&
        view.can_mean(*a->reply, "sender.domain_unresolvable"))
      return Say::proved(Proof::record, 10)
          .because({*r.id, *mx.id}, what)
          .because(*a.id, "and that sender is refused for it: " + a->reply->to_string());
  return Say::likely(10).because({*r.id, *mx.id}, what).needs("the same refusal met live");
}

}  // namespace smtpdx::rules
