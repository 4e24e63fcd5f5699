// SPDX-License-Identifier: Apache-2.0
#include "sim/outgoing.hpp"

namespace smtpdx::sim {

using mock::Behaviour;
using mock::Moment;

Outgoing ask_about_server(Maker& m, std::uint16_t port, Secret secret) {
  Outgoing o;
  o.domain = m.domain();
  o.host = (m.one_in(2) ? "mail." : "smtp.") + o.domain;
  o.ip = m.ip4();
  o.words = m.say(Saying::submission);
  m.w.zones.address(o.host, o.ip);
  auto& q = m.w.question;
  q.server = HostPort{o.host, port};
  q.from = "alice@" + o.domain;
  const auto there = m.domain();
  q.to = "carl@" + there;
  if (m.one_in(2)) {
    m.zone(there);
    auto e = add_exchanger(m, {there, 10, Name::own});
    Maker::hold(m.service(e.service).policy, there);
  }
  q.user = m.one_in(2) ? "alice" : "alice@" + o.domain;
  if (secret == Secret::given) {
    q.have_secret = true;
    q.consent = kb::Consent::auth;
    m.w.credentials = smtp::Credentials{q.user, "right-horse", {}, {}, 0};
  } else {
    q.user.clear();
  }
  return o;
}

mock::ServerPolicy policy_of(Maker& m, const Outgoing& o) {
  auto p = m.exchanger(o.host);
  p.esmtp = true;
  p.starttls = false;
  p.relay_refusal = o.words;
  p.auth_refused = m.say(Saying::bad_login);
  Maker::hold(p, o.domain);
  p.users["alice"] = p.users["alice@" + o.domain] = "right-horse";
  return p;
}

std::size_t listen(Maker& m, const Outgoing& o, std::uint16_t port, mock::ServerPolicy p) {
  p.implicit_tls = port == 465;
  if (p.implicit_tls) p.starttls = false;
  return m.serve(o.ip, port, std::move(p));
}

void hold_words(Maker& m, const Outgoing& o, const std::string& words) {
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), o.host, o.ip);
}

void spoil_server(Maker& m, std::size_t index) {
  auto& s = m.service(index);
  auto& p = s.policy;
  switch (m.r.below(16)) {
    case 0:
      s.round_trip = std::chrono::milliseconds(400 + m.r.below(700));
      return m.tell("slow host");
    case 1:
      p.behaviour[Moment::rcpt].per_octet = std::chrono::milliseconds(1 + m.r.below(15));
      return m.tell("tarpit");
    case 2: {
      const auto moment = m.any(std::vector{Moment::connect, Moment::ehlo, Moment::mail, Moment::rcpt, Moment::auth});
      p.behaviour[moment].reply = m.say(Saying::closing);
      p.behaviour[moment].end = Behaviour::End::close;
      return m.no_proof(std::string("421 at ") + mock::to_string(moment));
    }
    case 3: {
      const auto moment = m.any(std::vector{Moment::ehlo, Moment::mail, Moment::rcpt, Moment::auth});
      p.behaviour[moment].end = m.any(std::vector{Behaviour::End::hang, Behaviour::End::close, Behaviour::End::reset});
      return m.no_proof(std::string("silence or the end at ") + mock::to_string(moment));
    }
    case 4:
      p.max_connections = 1 + static_cast<unsigned>(m.r.below(3));
      return m.no_proof("few connections are taken");
    case 5: {
      auto open = p;
      open.relays_for = {*Network::parse("0.0.0.0/0")};
      open.auth_required.clear();
      s.change = Service::Change{std::chrono::milliseconds(m.r.below(4000)), std::move(open)};
      m.w.truth.changing = index;
      m.w.truth.may_afterwards.clear();
      return m.tell("from some moment on it relays for everybody");
    }
    case 6:
      s.handshake = m.one_in(2) ? Handshake::broken : Handshake::hangs;
      return m.no_proof("TLS is broken");
    default:
      return;
  }
}

}  // namespace smtpdx::sim
