// SPDX-License-Identifier: Apache-2.0
//
// What a report shows beside its words, and nobody has to be asked for: the client's address as the server saw it
// (S37), the empty sender (S69), the service that refused (S70, against S17), the login's mechanism (S26, S19), the
// identity that a provider names (S33, S34), the steps of a client's own transcript (S13, S16, S21). None of it proves:
// an address says where a session came from, not why it was refused.

#include <array>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "kb/permanent.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;

namespace {

/// 172.16.0.0/12 is what container engines take their networks from unless told otherwise; the first host of such a
/// network is the engine's own gateway, which stands for everybody it hides.
enum class Container { no, network, gateway };

Container container_address(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address || !text.starts_with("172.")) return Container::no;
  const auto second = text.substr(4, text.find('.', 4) - 4);
  if (second.size() != 2 || second < "16" || second > "31") return Container::no;
  return text.ends_with(".0.1") ? Container::gateway : Container::network;
}

/// What follows is asked of a refused relay alone.
bool is_relay(const View& view) { return same_family(view.refusal()->reading.reason, kb::Reason::relay_denied); }

CauseVerdict s37_container(const View& view, const kb::Cause&) {
  if (!is_relay(view)) return Say::nothing();
  const auto& client = view.refusal()->refusal.client_address;
  const auto kind = container_address(client);
  if (kind == Container::no) return Say::nothing();
  Say say = kind == Container::gateway ? Say::likely(15) : Say::possible(15);
  say.because(*view.refusal().id, "the server saw the client as " + client +
                                      (kind == Container::gateway ? ", the gateway of a container network"
                                                                  : ", an address that container networks use"));
  return say.rival("ip.not_in_allowlist")
      .rival("submit.auth_not_attempted")
      .needs("the address that the sender really has, and --config postfix:PATH of that server");
}

CauseVerdict s69_null_sender(const View& view, const kb::Cause&) {
  if (!is_relay(view)) return Say::nothing();
  const auto& refusal = view.refusal()->refusal;
  if (refusal.null_sender)
    return Say::possible(20).because(*view.refusal().id,
                                     "the refused sender is empty (<>): a bounce or an automatic "
                                     "reply");
  // Only a log names the envelope's sender for sure.
  if (refusal.phase && !refusal.client_address.empty() && !refusal.sender.empty())
    return Say::ruled_out().because(*view.refusal().id,
                                    "the refused sender is " + refusal.sender + ", not the empty one");
  return Say::nothing();
}

bool submission_service(const std::string& service) {
  constexpr std::array<std::string_view, 3> names = {"submission", "submissions", "smtps"};
  for (auto name : names)
    if (service == name) return true;
  return false;
}

bool token_mechanism(const std::string& mechanism) { return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER"; }

/// A refused login whose mechanism is known: a token is no password, and the other way round.
CauseVerdict by_mechanism(const View& view, const kb::Cause& cause) {
  const auto& r = view.refusal();
  const auto& mechanism = r->refusal.mechanism;
  const bool token = cause.code == "oauth.token_wrong", password = cause.code == "submit.credentials_rejected";
  if (!view.has_candidate(cause.code)) return Say::nothing();
  if (mechanism.empty()) {
    // A provider's own words tell; those of a server program are the same for password and token.
    if (!password || r->reading.states != cause.code || r->reading.rule.starts_with("esp.")) return Say::nothing();
    return Say::likely(30)
        .because(*r.id, "the words say so: " + r->refusal.decided().text)
        .rival("oauth.token_wrong")
        .rival("submit.mechanism_mismatch")
        .needs("the mechanism of that login (the client's or the server's log)");
  }
  const auto what = "the login was " + mechanism;
  if (token != token_mechanism(mechanism))
    return Say::ruled_out().because(*r.id, what + (token ? ", with a password" : ", with a token"));
  if (password) return Say::nothing();
  return Say::likely(30)
      .because(*r.id, what + ", and it was refused: " + r->refusal.decided().text)
      .rival("m365.smtp_auth_disabled")
      .needs("the token, read offline: audience, scope or role, expiry and user have to be right for SMTP");
}

/// Amazon SES names the identity that is not verified: the recipient's in the sandbox, else the sender's.
CauseVerdict by_identity(const View& view, const kb::Cause& cause) {
  const auto& r = view.refusal();
  const bool sandbox = cause.code == "esp.sandbox_recipient";
  if (!r->reading.rule.starts_with("esp.ses-not-verified")) return Say::nothing();
  const auto& text = r->refusal.decided().text;
  const bool names_recipient = !view.recipient().empty() && icontains(text, view.recipient());
  const bool names_sender = !view.sender().empty() && icontains(text, view.sender());
  if (names_recipient == names_sender) return Say::nothing();
  const auto what = "the refusal names the " +
                    std::string(names_recipient ? "recipient " + view.recipient() : "sender " + view.sender());
  if (names_recipient != sandbox) return Say::ruled_out().because(*r.id, what);
  return Say::likely(5)
      .because(*r.id, what)
      .needs("the account's state (sandbox or production) and its verified identities");
}

/// The client's transcript shows whether AUTH was offered, and what became of the login.
CauseVerdict by_transcript(const View& view, const kb::Cause& cause) {
  const Seen<diag::LoggedSessionFact>* session = nullptr;
  for (const auto& l : view.logged())
    if (l->auth == diag::AuthState::ok || l->auth == diag::AuthState::none) session = &l;
  if (!session) return Say::nothing();
  const auto& l = **session;
  const auto& id = *session->id;
  const bool order = cause.code == "submit.authenticated_but_denied_order",
             none = cause.code == "submit.auth_not_attempted", tls = cause.code == "submit.auth_only_after_tls",
             port = cause.code == "submit.wrong_port_25";
  if (l.auth == diag::AuthState::ok) {
    if (none || tls || port)
      return Say::ruled_out().because(id, "the transcript shows an accepted login: " + l.auth_reply);
    if (!order) return Say::nothing();
    return Say::likely(10)
        .because(id,
                 "the transcript shows the login accepted (" + l.auth_reply + ") and the recipient refused after it")
        .rival("submit.sender_not_owned")
        .needs("--config postfix:PATH of that server, or the same with the login's own address as sender");
  }
  if (order) return Say::ruled_out().because(id, "the transcript shows no login");
  if (none && l.auth_offered)
    return Say::likely(10)
        .because(id, "the transcript shows a login offered and none made")
        .rival("ip.not_in_allowlist")
        .needs("the same session with a login (diagnose --server HOST:PORT --user NAME)");
  if (none && !l.auth_offered) return Say::ruled_out().because(id, "in the transcript no login is offered");
  if ((tls || port) && l.auth_offered)
    return Say::ruled_out().because(id, "in the transcript a login is offered where the client was");
  if (tls && !l.tls && !l.auth_offered && l.starttls_offered)
    return Say::likely(10)
        .because(id, "the transcript shows no login offered, and STARTTLS not used")
        .rival("submit.wrong_port_25")
        .needs("the server's offer after STARTTLS (diagnose --server HOST:PORT)");
  return Say::nothing();
}

/// The service that refused is not port 25, and lists of addresses may not hold for it.
CauseVerdict by_service(const View& view, const kb::Cause& cause) {
  const auto& service = view.refusal()->refusal.service;
  if (!is_relay(view) || !submission_service(service)) return Say::nothing();
  if (cause.code == "submit.wrong_port_25")
    return Say::ruled_out().because(*view.refusal().id,
                                    "it is the service \"" + service + "\" that refused, not port 25");
  if (!view.has_candidate(cause.code)) return Say::nothing();
  return Say::possible(51).because(
      *view.refusal().id, "the service \"" + service + "\" refused, which lists of addresses may not hold for");
}

/// The causes that a report can speak of, and what it can say; the first word counts.
struct Clue {
  std::string_view code;
  CauseVerdict (*rule)(const View&, const kb::Cause&);
};
constexpr std::array clues{
    Clue{"oauth.token_wrong", by_mechanism},
    Clue{"submit.credentials_rejected", by_mechanism},
    Clue{"esp.sandbox_recipient", by_identity},
    Clue{"esp.sender_unverified", by_identity},
    Clue{"submit.authenticated_but_denied_order", by_transcript},
    Clue{"submit.auth_not_attempted", by_transcript},
    Clue{"submit.auth_only_after_tls", by_transcript},
    Clue{"submit.wrong_port_25", by_transcript},
    Clue{"submit.wrong_port_25", by_service},
    Clue{"submit.allowlist_not_on_submission", by_service},
    Clue{"ip.container_nat", s37_container},
    Clue{"submit.null_sender_unauth", s69_null_sender},
};

const std::vector<const Clue*>& clues_of(const kb::Cause& cause) {
  static const auto by_number = [] {
    std::vector<std::vector<const Clue*>> found(kb::permanent_causes().size() + 1);
    for (const auto& clue : clues) found[kb::permanent_number(clue.code)].push_back(&clue);
    return found;
  }();
  return by_number[cause.number];
}

}  // namespace

bool may_be_reported(const kb::Cause& cause) { return !clues_of(cause).empty(); }

CauseVerdict by_report(const View& view, const kb::Cause& cause) {
  if (!view.refusal()) return Say::nothing();
  for (const auto* clue : clues_of(cause))
    if (auto v = clue->rule(view, cause); v.verdict != diag::Verdict::silent) return v;
  return Say::nothing();
}

}  // namespace smtpdx::rules
