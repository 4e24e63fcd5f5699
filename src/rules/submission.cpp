// SPDX-License-Identifier: Apache-2.0
//
// The submission branch: the refuser is the user's own outgoing server, and the session it refused had the wrong shape:
// no login (S13, S14), no TLS although the login lives behind it (S16), the wrong port (S17), the wrong TLS mode (S18).
//
// S13 is proved by the flip over AUTH alone, and only where AUTH was offered in the shape the client used; a cause that
// needs two changes is proved by the chain in which each step changes one thing. With no refusal in the input nothing
// is proved: the anonymous refusal is then only the control of a login that works.

#include "base/text.hpp"
#include "rules/rules.hpp"
#include "rules/say.hpp"
#include "rules/server_look.hpp"

namespace smtpdx::rules {

using diag::AuthState;
using diag::CauseVerdict;
using diag::Outcome;
using diag::Proof;
using diag::TlsMode;

namespace {

std::string at(const ServerLook& look, std::uint16_t port) { return look.host() + ":" + std::to_string(port); }

/// The user's words are a refusal this family can cause.
bool asked(const View& view) { return view.refusal() && same_family(view.asked_reason(), kb::Reason::relay_denied); }

bool judged(const CauseVerdict& v) { return v.verdict != diag::Verdict::silent; }

/// What S13, S14, S16 and S17 ask first.
CauseVerdict not_missing_login(const View& view, const ServerLook& look) {
  if (view.branch() == Branch::recipient) {
    if (auto in = view.in_mx(view.refuser(), view.refuser_address()); in && *in)
      return Say::ruled_out().because(
          view.mx_ids(), "the refuser is the recipient's mail exchanger, where nobody from outside logs in");
    return Say::nothing();
  }
  if (view.branch() != Branch::submission) return Say::nothing();
  if (look.client_auth() == AuthState::failed)
    return Say::ruled_out().because(look.client_auth_id(), "the client did try to log in and failed");
  if (look.client_auth() == AuthState::ok)
    return Say::ruled_out().because(look.client_auth_id(), "the client was logged in when it was refused");
  if (look.other_machine_at_port()) return Say::nothing();
  if (auto s = look.auth_session(); s && s->auth->reply && s->auth->reply->permanent())
    return Say::ruled_out().because(*s.id, "the login itself is refused: " + s->auth->reply->to_string());
  // One mechanism fails and another works: what the client met is its mechanism (S63), not a login that was left out.
  if (const auto all = look.logins(); all.size() > 1 && !all.front()->auth->ok()) return Say::nothing();
  if (auto a = look.logged_in(); a && view.refused(*a))
    return Say::ruled_out().because(*a.id, "logged in, the recipient is refused all the same");
  if (look.auth_nowhere())
    return Say::ruled_out().because(look.session_ids(), look.host() + " offers no login on any port");
  if (auto a = look.anonymous(look.port(), look.shape_tls()); a && a->outcome == Outcome::accepted)
    return Say::ruled_out().because(*a.id, "the recipient is accepted without a login now");
  return Say::nothing();
}

CauseVerdict missing_login(const View& view, const ServerLook& look) {
  if (auto v = not_missing_login(view, look); judged(v)) return v;
  if (view.branch() != Branch::submission) return Say::nothing();
  const auto offered = look.offers_auth(look.port(), look.shape_tls());
  if (!offered) return Say::nothing();
  if (!*offered) {
    if (look.offers_auth(look.port()).value_or(false))
      return Say::ruled_out().because(look.session_ids(),
                                      "without TLS the client could not have logged in at " + at(look, look.port()));
    if (look.offers_auth(look.port()))
      return Say::ruled_out().because(look.session_ids(), at(look, look.port()) + " offers no login");
    return Say::nothing();
  }
  if (look.no_common_mechanism())
    return Say::ruled_out().because(
        look.session_ids(), "client and server share no login mechanism: see submit.auth_swallowed_then_anonymous");
  if (!asked(view)) return Say::nothing();
  auto local = look.local_accepted();
  auto add_local = [&](Say& say) {
    if (local)
      say.because(*local.id,
                  "without a login " + local->shape.rcpt_to + " is accepted: it is about relaying, not about us");
  };
  auto flip = look.auth_flip(look.port());
  if (flip && !look.port_typed() && !look.every_port_offers_auth())
    return Say::likely(20)
        .because(flip->ids(), "refused without a login, accepted logged in, refused again without")
        .rival("submit.wrong_port_25")
        .needs("the port that the client uses (--server HOST:PORT): not every port offers a login");
  if (flip) {
    Say say = Say::proved(Proof::flip, 20);
    say.because(flip->ids(), "same session, same envelope: refused without a login, accepted logged in as " +
                                 flip->accepted->shape.user + ", refused again without");
    add_local(say);
    return say;
  }
  auto anonymous = look.anonymous(look.port(), look.shape_tls());
  if (!anonymous || !view.refused_as_asked(*anonymous)) return Say::nothing();
  Say say = Say::likely(20);
  say.because(*anonymous.id, "without a login the recipient is refused: " + anonymous->reply->to_string())
      .because(look.session_ids(), at(look, look.port()) + " offers a login");
  add_local(say);
  if (!view.question().have_secret)
    return say.rival("submit.authenticated_but_denied_order")
        .needs("--user and --password-file: one login shows whether it helps");
  return say.needs("a login that the server accepts");
}

}  // namespace

CauseVerdict s13_auth_not_attempted(const View& view) {
  ServerLook look(view);
  if (view.branch() == Branch::submission && look.cpanel())
    return Say::ruled_out().because(
        look.cpanel_id(), "the server is cPanel's Exim: see submit.exim_cpanel_unauth, the same fault in its words");
  return missing_login(view, look);
}

CauseVerdict s14_exim_cpanel_unauth(const View& view) {
  ServerLook look(view);
  if (view.branch() == Branch::submission && !look.cpanel() && !view.sessions().empty())
    return Say::ruled_out().because(look.session_ids(), "neither greeting nor words are those of cPanel's Exim");
  if (!look.cpanel()) return Say::nothing();
  return missing_login(view, look);
}

CauseVerdict s16_auth_only_after_tls(const View& view) {
  ServerLook look(view);
  if (auto v = not_missing_login(view, look); judged(v)) return v;
  if (view.branch() != Branch::submission) return Say::nothing();
  const auto plain = look.offers_auth(look.port(), TlsMode::plain);
  const auto tls = look.offers_auth(look.port(), TlsMode::starttls);
  if (plain && *plain) return Say::ruled_out().because(look.session_ids(), "AUTH is offered without TLS, too");
  if (look.client_tls() && *look.client_tls() != TlsMode::plain)
    return Say::ruled_out().because(view.question_id(),
                                    "the client did use TLS (" + std::string(to_string(*look.client_tls())) + ")");
  if (!plain || !tls) return Say::nothing();
  if (!*tls) return Say::ruled_out().because(look.session_ids(), "AUTH is not offered after STARTTLS either");
  if (!asked(view)) return Say::nothing();
  auto anonymous = look.anonymous(look.port(), TlsMode::plain);
  if (!anonymous || !view.refused_as_asked(*anonymous)) return Say::nothing();
  const auto what = at(look, look.port()) +
                    " offers AUTH only after STARTTLS; without TLS nobody can log in, and is refused: " +
                    anonymous->reply->to_string();
  auto ids = look.session_ids();
  ids.push_back(*anonymous.id);
  if (!look.client_tls())
    return Say::likely(10)
        .because(ids, what)
        .rival("submit.auth_not_attempted")
        .needs("whether the client used TLS (--client-tls plain|starttls)");
  if (auto flip = look.auth_flip(look.port()); flip && flip->accepted->shape.tls == TlsMode::starttls)
    return Say::proved(Proof::flip, 10)
        .because(ids, what)
        .because(flip->ids(),
                 "with TLS and a login the recipient is accepted; with TLS alone it is refused, before and after");
  return Say::likely(10).because(ids, what).needs(
      "--user and --password-file: the login after STARTTLS completes the proof");
}

CauseVerdict s17_wrong_port(const View& view) {
  ServerLook look(view);
  if (auto v = not_missing_login(view, look); judged(v)) return v;
  if (view.branch() != Branch::submission || !look.port_typed()) return Say::nothing();
  if (auto other = look.other_machine_at_port()) {
    if (s47_intercepted(view).verdict != diag::Verdict::proved)
      return Say::likely(15)
          .because(*other.id, "what answers at " + at(look, look.port()) + " goes by another name than that server")
          .rival("net.isp_or_middlebox_intercept")
          .needs("whether that port has a filter of its own in front, or the network answers it");
    return Say::ruled_out().because(*other.id, "what answers at " + at(look, look.port()) +
                                                   " is not that server: see net.isp_or_middlebox_intercept");
  }
  const auto here = look.offers_auth(look.port());
  if (here && *here) return Say::ruled_out().because(look.session_ids(), at(look, look.port()) + " does offer a login");
  const auto other = look.other_port_with_auth();
  if (!here || other == 0 || !asked(view)) return Say::nothing();
  for (auto mode : {TlsMode::plain, TlsMode::starttls, TlsMode::implicit})
    if (auto a = look.anonymous(look.port(), mode); a && a->outcome == Outcome::accepted)
      return Say::possible(30).because(
          *a.id, at(look, look.port()) + " also accepted the recipient without a login: not the port decides");
  // STARTTLS offered but not followed through: AUTH may stand behind it.
  auto plain = look.session(look.port(), TlsMode::plain);
  if (plain && plain->before_tls && plain->before_tls->starttls() && !look.offers_auth(look.port(), TlsMode::starttls))
    return Say::nothing();
  const auto what = at(look, look.port()) + " offers no login, " + at(look, other) + " does";
  auto anonymous = look.anonymous(look.port(), look.shape_tls());
  if (!anonymous || !view.refused_as_asked(*anonymous)) return Say::nothing();
  auto flip = look.auth_flip(other);
  const auto refused_here =
      "at port " + std::to_string(look.port()) + " the recipient is refused: " + anonymous->reply->to_string();
  if (flip) {
    const auto flipped = "at port " + std::to_string(other) + " it is refused without a login and accepted with it";
    auto again = view.refused_again(*anonymous, *flip->accepted);
    if (!again)
      return Say::likely(10)
          .because(look.session_ids(), what)
          .because(*anonymous.id, refused_here)
          .because(flip->ids(), flipped)
          .needs("the refusal at port " + std::to_string(look.port()) + " seen again");
    return Say::proved(Proof::flip, 10)
        .because(look.session_ids(), what)
        .because({*anonymous.id, *again.id}, refused_here + ", before and after")
        .because(flip->ids(), flipped);
  }
  return Say::likely(10)
      .because(look.session_ids(), what)
      .because(*anonymous.id)
      .needs("--user and --password-file: the login at port " + std::to_string(other) + " completes the proof");
}

CauseVerdict s18_tls_mode_mismatch(const View& view) {
  ServerLook look(view);
  if (view.branch() != Branch::submission) return Say::nothing();
  if (!look.client_tls()) {
    for (const auto& s : view.sessions())
      if (s->shape.host == look.host() && s->shape.server.port == look.port() && s->tls && s->tls->established)
        return Say::ruled_out().because(*s.id, "TLS does come about at " + at(look, look.port()));
    return Say::nothing();
  }
  // A client that was given a reply spoke the server's mode.
  if (auto r = view.refusal(); r && r->refusal.decided().code != 0 && !view.has_candidate("submit.tls_mode_mismatch"))
    return Say::nothing();
  const bool client_implicit = *look.client_tls() == TlsMode::implicit;
  const auto tried = client_implicit ? TlsMode::implicit : TlsMode::plain;
  Seen<diag::SessionFact> silent;
  for (const auto& s : view.sessions())
    if (s->shape.host == look.host() && s->shape.server.port == look.port() && s->shape.tls == tried && s->connected)
      silent = s;
  if (!silent) return Say::nothing();
  if (silent->banner) {
    if (view.has_candidate("submit.tls_mode_mismatch"))
      return Say::ruled_out().because(*silent.id, "in the client's own mode the server does greet");
    return Say::nothing();
  }
  Seen<diag::SessionFact> greeted;
  // A greeting before STARTTLS is one in plain text.
  for (auto mode : {TlsMode::implicit, TlsMode::plain, TlsMode::starttls})
    if ((mode == TlsMode::implicit) != client_implicit && !greeted) greeted = look.session(look.port(), mode);
  if (!greeted) return Say::nothing();
  const std::string mode = client_implicit ? "implicit TLS" : "plain text";
  const std::string other = client_implicit ? "plain text (then STARTTLS)" : "implicit TLS";
  return Say::proved(Proof::flip, 5)
      .because(*silent.id,
               "spoken to in " + mode + ", " + at(look, look.port()) + " takes the connection and gives no greeting")
      .because(*greeted.id, "spoken to in " + other + " it greets");
}

}  // namespace smtpdx::rules
