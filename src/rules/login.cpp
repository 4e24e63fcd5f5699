// SPDX-License-Identifier: Apache-2.0
//
// The login itself and what comes after it: S19 refused, S20 failed and ignored by the client, S21 accepted but of no
// use, S22 accepted but not for this sender; S26 a token that is not one for sending mail; S57 a certificate that the
// client cannot accept, S58 a login the server never asks for, S63 a mechanism that does not work where another does,
// S67 another server than the one meant.

#include <algorithm>

#include "base/text.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::AuthState;
using diag::CauseVerdict;
using diag::Outcome;
using diag::Proof;
using diag::Role;
using diag::TlsMode;
using kb::Reason;

namespace {

/// The reply to our one AUTH, where it was a refusal for good.
const smtp::Reply* auth_refusal(const ServerLook& look) {
  auto s = look.auth_session();
  return s && s->auth->reply && s->auth->reply->permanent() ? &*s->auth->reply : nullptr;
}

bool auth_accepted(const ServerLook& look) {
  auto s = look.auth_session();
  return s && s->auth->ok();
}

/// With these the server is handed the password itself: its refusal is about that. What is answered to a challenge
/// depends on how the server keeps the password, too.
bool sees_password(const std::string& mechanism) { return mechanism == "PLAIN" || mechanism == "LOGIN"; }

bool is_token(const std::string& mechanism) { return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER"; }

/// What Exchange Online needs of a token and this one lacks; empty where nothing is seen to be missing.
std::vector<std::string> lacking_for_exchange(const diag::TokenFact& token) {
  std::vector<std::string> lacks;
  const auto is_exchange = [](const std::string& audience) {
    return icontains(audience, "outlook.office.com") || icontains(audience, "outlook.office365.com") ||
           icontains(audience, "00000002-0000-0ff1-ce00-000000000000");
  };
  if (!token.audience.empty() && std::ranges::none_of(token.audience, is_exchange))
    lacks.push_back("it is made for " + join(token.audience, ", ") + ", not for https://outlook.office.com");
  const auto sends = [](const std::string& right) { return right == "SMTP.Send" || right == "SMTP.SendAsApp"; };
  if (!token.rights.empty() && std::ranges::none_of(token.rights, sends))
    lacks.push_back("its rights are " + join(token.rights, ", ") + ", with neither SMTP.Send nor SMTP.SendAsApp");
  return lacks;
}

/// More than one mechanism was tried, one with the password itself among them, and all were refused.
bool every_mechanism_refused(const ServerLook& look) {
  bool several = false, password = false;
  const auto all = look.logins();
  for (const auto& s : all) {
    if (!s->auth->reply || !s->auth->reply->permanent()) return false;
    several = several || s->auth_mechanism != all.front()->auth_mechanism;
    password = password || sees_password(s->auth_mechanism);
  }
  return several && password;
}

std::vector<std::string> login_ids(const ServerLook& look) {
  std::vector<std::string> ids;
  for (const auto& s : look.logins()) ids.push_back(*s.id);
  return ids;
}

/// What is known of the client: its list of mechanisms as typed, or the one that its log or the refusal names.
bool client_can(const View& view, std::string_view mechanism) {
  return std::ranges::find(view.question().mechanisms_of_client, mechanism) !=
         view.question().mechanisms_of_client.end();
}
bool client_uses(const View& view, std::string_view mechanism) {
  if (client_can(view, mechanism)) return true;
  for (const auto& l : view.logged())
    if (iequals(l->mechanism, mechanism)) return true;
  return view.refusal() && iequals(view.refusal()->refusal.mechanism, mechanism);
}

/// Recipients asked while logged in, one sender each.
std::vector<Seen<diag::Attempt>> logged_in(const View& view, const ServerLook& look, Role role) {
  std::vector<Seen<diag::Attempt>> out;
  for (const auto& a : view.attempts())
    if (a->shape.host == look.host() && !a->shape.user.empty() && a->role == role) out.push_back(a);
  return out;
}

/// The client's words are about the certificate's name, not about its age or who signed it.
bool complains_of_name(const View& view) {
  const auto& text = view.refusal()->refusal.decided().text;
  for (const auto* word : {"hostname", "altname", "did not match", "does not match", "mismatch", "valid for",
                           "no name matching", "alternative", "wrong host name"})
    if (icontains(text, word)) return true;
  return false;
}

}  // namespace

CauseVerdict s19_credentials_rejected(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  auto session = look.auth_session();
  if (auth_accepted(look))
    return Say::ruled_out().because(*session.id, "the login is accepted: " + session->auth->reply->to_string());
  const auto* refusal = auth_refusal(look);
  if (!refusal && look.auth_nowhere())
    return Say::ruled_out().because(look.session_ids(), "no login is offered on any port");
  if (!refusal) return Say::nothing();
  if (is_token(session->auth_mechanism))
    return Say::ruled_out().because(
        *session.id, "the login is made with a token (" + session->auth_mechanism + "), not with a password");
  const auto stated = view.stated(*refusal);
  if (!stated.empty() && stated != "submit.credentials_rejected")
    return Say::ruled_out().because(
        *session.id, "the login is refused for another reason than the password: " + refusal->to_string());
  if (view.reason(*refusal) != Reason::auth_failed && refusal->code != 535) return Say::nothing();
  // Words that mean something else first (a broken login service, a mechanism, an app password) state nothing here;
  // words that nobody knows leave the code, which is RFC 4954 §6's for credentials.
  const auto likeliest = view.likeliest(*refusal);
  if (stated.empty() && !likeliest.empty() && likeliest != "submit.credentials_rejected")
    return view.can_mean(*refusal, "submit.credentials_rejected")
               ? CauseVerdict(Say::likely(8)
                                  .because(*session.id, "the one login tried is refused: " + refusal->to_string())
                                  .rival(std::string(likeliest))
                                  .needs("the server's log of that login"))
               : Say::nothing();
  const auto what = "the login tried (" + session->auth_mechanism + ") is refused: " + refusal->to_string();
  if (!sees_password(session->auth_mechanism) && !every_mechanism_refused(look))
    return Say::likely(5)
        .because(*session.id, what)
        .rival("submit.mechanism_mismatch")
        .needs(
            "the same with PLAIN or LOGIN (--auth-methods all --auth-budget 2): a challenge also fails where the "
            "server keeps no password that fits it");
  return Say::proved(Proof::statement, 5).because(*session.id, what);
}

/// The token refused, read offline. What it lacks entails the refusal; that it lacks nothing leaves the registration.
CauseVerdict s26_token_wrong(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  auto session = look.auth_session();
  if (!session || !is_token(session->auth_mechanism)) return Say::nothing();
  if (session->auth->ok())
    return Say::ruled_out().because(*session.id, "the token is accepted: " + session->auth->reply->to_string());
  const auto* refusal = auth_refusal(look);
  if (!refusal) return Say::nothing();
  const auto stated = view.stated(*refusal);
  if (!stated.empty() && stated != "oauth.token_wrong") return Say::nothing();
  const auto what = "the login with a token (" + session->auth_mechanism + ") is refused: " + refusal->to_string();
  const bool exchange = view.owner_speaks("m365.smtp_auth_disabled", session->shape);
  auto token = view.token();
  std::vector<std::string> lacks;
  if (token && token->expired.value_or(false)) lacks.emplace_back("its time is over");
  if (token && token->readable && exchange)
    for (auto& one : lacking_for_exchange(*token)) lacks.push_back(std::move(one));
  if (!lacks.empty())
    return Say::proved(Proof::record, 5)
        .because(*token.id, "of the token, read offline: " + join(lacks, "; "))
        .because(*session.id, what);
  Say say = Say::likely(8);
  say.because(*session.id, what).rival("m365.smtp_auth_disabled");
  if (!token || !token->readable)
    return say.needs("the token's audience, rights and lifetime: it cannot be read offline");
  return say
      .because(*token.id,
               "the token itself names the right service and rights" +
                   (token->user.empty() ? std::string(", for an application") : ", for " + printable(token->user, 80)))
      .needs(
          "whether Exchange Online knows the application (New-ServicePrincipal, Add-MailboxPermission) and the mailbox "
          "may use SMTP: see the steps for m365");
}

CauseVerdict s63_mechanism_mismatch(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  Seen<diag::SessionFact> accepted, refused, again;
  for (const auto& s : look.logins()) {
    if (s->auth->ok() && !accepted) accepted = s;
    if (!s->auth->reply || !s->auth->reply->permanent()) continue;
    if (!refused) refused = s;
    if (accepted && s->auth_mechanism == refused->auth_mechanism && s->shape.tls == accepted->shape.tls) again = s;
  }
  if (!refused) {
    if (accepted && view.has_candidate("submit.mechanism_mismatch") && client_can(view, accepted->auth_mechanism))
      return Say::ruled_out().because(
          *accepted.id, "the login is accepted by " + accepted->auth_mechanism + ", which the client can");
    return Say::nothing();
  }
  if (!accepted)
    return every_mechanism_refused(look)
               ? CauseVerdict(Say::ruled_out().because(login_ids(look), "every mechanism fails alike"))
               : Say::nothing();
  if (!view.refusal() || view.asked_reason() != Reason::auth_failed || !again) return Say::nothing();
  const auto what = "the same secret: " + refused->auth_mechanism + " is refused (" +
                    refused->auth->reply->to_string() + "), " + accepted->auth_mechanism + " accepted, " +
                    refused->auth_mechanism + " refused again";
  const std::vector<std::string> ids{*refused.id, *accepted.id, *again.id};
  // A client that could do both may have met another refusal than ours: a wrong password, say.
  if (!client_uses(view, refused->auth_mechanism) || client_can(view, accepted->auth_mechanism))
    return Say::likely(6)
        .because(ids, what)
        .rival("submit.credentials_rejected")
        .needs("which mechanisms the client can do (--client-auth-methods " + refused->auth_mechanism +
               "), or its log");
  return Say::proved(Proof::flip, 6).because(ids, what);
}

CauseVerdict s20_auth_swallowed(const View& view) {
  ServerLook look(view);
  for (const auto& l : view.logged()) {
    if (l->auth == AuthState::failed && !l->relay_reply.empty())
      return Say::proved(Proof::record, 2)
          .because(*l.id, "the log shows the login refused (" + printable(l->auth_reply, 120) +
                              ") and the same client going on without: " + printable(l->relay_reply, 120));
  }
  if (view.branch() != Branch::submission) return Say::nothing();
  const auto& own = view.question().mechanisms_of_client;
  auto session = look.session(look.port(), look.shape_tls());
  const auto* caps = session ? session->capabilities() : nullptr;
  if (!own.empty() && caps && caps->offers_auth()) {
    for (const auto& m : own)
      if (caps->offers_auth(m))
        return Say::ruled_out().because(*session.id, "client and server share the mechanism " + m);
    auto flip = look.auth_flip(look.port());
    Say say = flip && view.refusal() ? Say::proved(Proof::flip, 8) : Say::likely(8);
    if (flip)
      say.because(flip->ids(), "a client that can do it is accepted logged in, and refused without, before and after");
    return say
        .because(*session.id, "the client speaks " + join(own, ", ") + ", the server only " + join(caps->auth, ", ") +
                                  ": it cannot have logged in")
        .needs("the client's log of that session (give it to `diagnose`): it shows both steps");
  }
  if (look.client_auth() == AuthState::failed)
    return Say::likely(8)
        .since("the client's login failed, and it went on without")
        .needs("the client's log of that session");
  if (auth_accepted(look) && look.client_auth() == AuthState::unknown) return Say::nothing();
  return Say::nothing();
}

CauseVerdict s21_authenticated_but_denied(const View& view) {
  ServerLook look(view);
  if (view.branch() == Branch::recipient) return Say::nothing();
  if (auto config = view.config(); config && config->sasl_enabled.value_or(false) &&
                                   config->reply_code_authenticated != 0 && view.branch() == Branch::submission) {
    Say say = Say::proved(Proof::record, 10);
    say.because(*config.id, config->relay_where + ": " + config->deciding_authenticated +
                                " decides before a login counts, so that also logged-in clients are refused");
    if (auto a = look.logged_in(); a && view.relay_refused(*a))
      say.because(*a.id, "logged in, the live server answers " + a->reply->to_string());
    return say;
  }
  if (view.branch() != Branch::submission) return Say::nothing();
  if (auth_refusal(look)) return Say::ruled_out().because(*look.auth_session().id, "the login itself is refused");
  if (!auth_accepted(look)) return Say::nothing();
  auto a = look.logged_in();
  if (!a) return Say::nothing();
  if (a->outcome == Outcome::accepted) return Say::ruled_out().because(*a.id, "logged in, the recipient is accepted");
  auto own = logged_in(view, look, Role::own_sender);
  if (!own.empty() && own.front()->outcome == Outcome::accepted)
    return Say::ruled_out().because(*own.front().id, "logged in, the login's own sender may relay");
  if (!view.relay_refused(*a)) return Say::nothing();
  auto session = look.auth_session();
  const bool own_address = iequals(a->shape.mail_from, look.own_sender());
  Say say = own.empty() && !own_address ? Say::likely(10) : Say::proved(Proof::statement, 10);
  say.because(*session.id, "the login is accepted: " + session->auth->reply->to_string())
      .because(*a.id, "and the recipient is refused all the same: " + a->reply->to_string());
  if (!own.empty()) say.because(*own.front().id, "also for the login's own sender " + own.front()->shape.mail_from);
  if (own.empty() && !own_address)
    say.rival("submit.sender_not_owned").needs("the same with the login's own address as sender");
  return say;
}

CauseVerdict s22_sender_not_owned(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  auto with_from = logged_in(view, look, Role::recipient);
  auto own = logged_in(view, look, Role::own_sender);
  if (with_from.empty()) return Say::nothing();
  if (with_from.front()->outcome == Outcome::accepted)
    return Say::ruled_out().because(*with_from.front().id, "logged in, this sender is accepted");
  if (!view.refused(*with_from.front())) return Say::nothing();
  if (iequals(with_from.front()->shape.mail_from, look.own_sender()))
    return Say::ruled_out().because(*with_from.front().id,
                                    "the sender is the login's own address, and is refused all the same");
  // "Domain not found", "Access denied" and the like are about what the sender is, not whose.
  const auto reason = view.reason(*with_from.front());
  const bool may_be_ownership = reason == Reason::unknown || reason == Reason::send_as_denied ||
                                same_family(reason, Reason::relay_denied) ||
                                view.can_mean(*with_from.front()->reply, "submit.sender_not_owned");
  if (!may_be_ownership) return Say::nothing();
  if (!own.empty() && view.refused(*own.front()))
    return Say::ruled_out().because(*own.front().id, "the login's own sender is refused, too");
  const auto what = "logged in as " + view.question().user + ", the sender " + with_from.front()->shape.mail_from +
                    " is refused: " + with_from.front()->reply->to_string();
  if (own.empty())
    return view.reason(*with_from.front()) == Reason::send_as_denied
               ? CauseVerdict(
                     Say::likely(10).because(*with_from.front().id, what).needs("the login's own address as --from"))
               : Say::nothing();
  for (const auto& again : with_from) {
    if (own.front()->outcome == Outcome::accepted && again->order > own.front()->order && view.refused(*again))
      return Say::proved(Proof::flip, 10)
          .because(*with_from.front().id, what)
          .because({*own.front().id, *again.id},
                   own.front()->shape.mail_from + " is accepted, and " + again->shape.mail_from + " is refused again");
  }
  return Say::nothing();
}

CauseVerdict s57_certificate_name(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  Seen<diag::SessionFact> tls;
  for (const auto& s : view.sessions())
    if (s->shape.host == look.host() && s->tls && s->tls->established && (!tls || s->shape.server.port == look.port()))
      tls = s;
  if (!tls) return Say::nothing();
  const auto& facts = *tls->tls;
  if (facts.name_matches && facts.chain_trusted)
    return Say::ruled_out().because(*tls.id, "the certificate is valid for " + look.host() + " from here");
  std::string names;
  if (!facts.chain.empty()) names = join(facts.chain.front().dns_names, ", ");
  const auto what = !facts.name_matches ? "the certificate is for " + (names.empty() ? "no name at all" : names) +
                                              ", not for " + look.host()
                                        : "the certificate's chain is not trusted: " + facts.verify_error;
  if (!view.has_candidate("submit.tls_certificate_name")) return Say::nothing();
  if (facts.name_matches && complains_of_name(view))
    return Say::likely(20)
        .because(*tls.id, what + "; the name, which the client complains of, is right")
        .needs("the name that the client connects to");
  return Say::proved(Proof::record, 6).because(*tls.id, what);
}

CauseVerdict s58_auth_forced(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  if (look.offers_auth(look.port()).value_or(false) || look.other_port_with_auth() != 0)
    return Say::ruled_out().because(look.session_ids(), "the server does offer a login");
  if (view.refusal() && !view.has_candidate("submit.auth_forced")) return Say::nothing();
  auto anonymous = look.anonymous(look.port(), look.shape_tls());
  if (!look.auth_nowhere()) return Say::nothing();
  if (!anonymous) return Say::nothing();
  if (anonymous->outcome != Outcome::accepted)
    return view.refused(*anonymous)
               ? CauseVerdict(Say::ruled_out().because(*anonymous.id, "without a login the recipient is refused"))
               : Say::nothing();
  if (!view.refusal()) return Say::nothing();
  return Say::proved(Proof::record, 10)
      .because(look.session_ids(), look.host() + " offers no login on any port")
      .because(*anonymous.id, "and accepts the recipient without one");
}

CauseVerdict s67_wrong_endpoint(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  auto session = look.session(look.port(), look.shape_tls());
  if (!session) session = look.session(look.port(), TlsMode::starttls);
  if (!session || IpAddress::parse(look.host())) return Say::nothing();
  if (view.identity_shown(*session))
    return view.has_candidate("submit.wrong_endpoint")
               ? CauseVerdict(
                     Say::ruled_out().because(*session.id, "greeting or certificate show that it is " + look.host()))
               : Say::nothing();
  const auto* caps = session->capabilities();
  if (!caps || caps->greeting_name.empty()) return Say::nothing();
  for (auto p : submission_ports) {
    for (auto mode : {TlsMode::plain, TlsMode::starttls, TlsMode::implicit}) {
      auto other = look.session(p, mode);
      if (p != look.port() && other && view.identity_shown(*other)) return Say::nothing();  // S47 says it better
    }
  }
  return Say::likely(9)
      .because(*session.id, "at " + session->shape.server.to_string() + " a server calls itself " +
                                printable(caps->greeting_name, 80) + ", not " + look.host())
      .rival("net.isp_or_middlebox_intercept")
      .needs("the intended server's own log of that minute: if the session is missing there, another server answered");
}

}  // namespace smtpdx::rules
