// SPDX-License-Identifier: Apache-2.0
// The session that the user's own outgoing server refused had the wrong shape: S13 S14 S16 S17 S18; what looks like it.

#include "sim/outgoing.hpp"

namespace smtpdx::sim {

namespace {

using diag::TlsMode;
using mock::Moment;

constexpr std::string_view s14 = "submit.exim_cpanel_unauth";
constexpr std::string_view s17 = "submit.wrong_port_25";
constexpr std::string_view s18 = "submit.tls_mode_mismatch";
constexpr std::string_view s47 = "net.isp_or_middlebox_intercept";

// ---- S13, S14 ----

void missing_login(Maker& m, Secret secret) {
  const auto port = m.any(std::vector<std::uint16_t>{587, 587, 25, 465, 2525});
  auto o = ask_about_server(m, port, secret);
  auto p = policy_of(m, o);
  auto& q = m.w.question;
  std::string words = o.words;
  p.auth_tls = mechanisms;
  if (port != 465) {
    p.starttls = !m.one_in(4);
    if (p.starttls && m.one_in(2)) {
      q.client.tls = TlsMode::starttls;
    } else {
      p.auth_plain = mechanisms;
    }
  }
  if (m.one_in(4)) p.auth_required = words = m.say(Saying::auth_demand);
  const auto index = listen(m, o, port, p);
  hold_words(m, o, m.one_in(6) ? m.say(Saying::submission) : words);
  if (secret == Secret::given) {
    m.proof(s13);
  } else {
    m.may({s13});
  }
  spoil_server(m, index);
}

void s13_login(Maker& m) { missing_login(m, Secret::given); }
void s13_no_secret(Maker& m) { missing_login(m, Secret::kept); }

/// No port typed; every one that listens has AUTH.
void s13_no_port(Maker& m) {
  auto o = ask_about_server(m, 0, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  listen(m, o, 587, p);
  if (m.one_in(2)) listen(m, o, 25, p);
  if (m.one_in(2)) listen(m, o, 465, p);
  hold_words(m, o, o.words);
  m.may({s13});
}

void s14_cpanel(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  o.words = m.one_in(2) ? "550-" + o.host +
                              " [%c]:41234 is not permitted to relay through this server without "
                              "authentication.\n550 Perhaps you have not logged in"
                        : std::string("550-Please turn on SMTP Authentication in your mail client.\n550 ") + o.host +
                              " [%c]:41234 is not permitted to relay through this server without authentication.";
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.starttls = true;
  p.greeting =
      "220-%n ESMTP Exim 4.98\n220-We do not authorize the use of this system to transport unsolicited,\n220 "
      "and/or bulk e-mail.";
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, o.words);
  m.proof(s14);
  spoil_server(m, index);
}

// ---- S16, S17, S18 ----

void s16_after_tls(Maker& m) {
  const auto port = m.any(std::vector<std::uint16_t>{587, 587, 25});
  auto o = ask_about_server(m, port, Secret::given);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  auto words = o.words;
  if (m.one_in(3)) {
    p.tls_required = words = m.say(Saying::tls_demand);
    if (m.one_in(2)) m.w.question.client.tls = TlsMode::plain;
  } else {
    m.w.question.client.tls = TlsMode::plain;
  }
  const auto index = listen(m, o, port, p);
  hold_words(m, o, words);
  m.proof(s16);
  spoil_server(m, index);
}

/// AUTH is offered after STARTTLS only, and nobody says whether the client used TLS: it did, and did not log in.
void s16_tls_unknown(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  listen(m, o, 587, p);
  hold_words(m, o, o.words);
  m.may({s13});
  m.no_proof("whether the client used TLS is not known");
}

void wrong_port(Maker& m, std::uint16_t typed) {
  auto o = ask_about_server(m, typed, Secret::given);
  auto inbound = policy_of(m, o);
  inbound.starttls = m.one_in(2);
  const auto index = listen(m, o, 25, inbound);
  auto p = policy_of(m, o);
  p.auth_tls = mechanisms;
  p.starttls = true;
  if (m.one_in(2)) p.auth_plain = mechanisms;
  if (m.one_in(2)) listen(m, o, 465, p);
  listen(m, o, 587, p);
  hold_words(m, o, o.words);
  if (typed != 0) {
    m.proof(s17);
    spoil_server(m, index);
  } else {
    m.may({s17});
    m.no_proof("the client's port is not known");
  }
}

void s17_port(Maker& m) { wrong_port(m, 25); }
void s17_port_unknown(Maker& m) { wrong_port(m, 0); }

/// An appliance in front of port 25 has a name of its own; 587 is the server itself.
void s17_appliance(Maker& m) {
  wrong_port(m, 25);
  for (auto& s : m.w.internet.services) {
    if (s.at.port != 25 || s.policy.domains.empty() || s.policy.users.empty()) continue;
    s.policy.name = "mx.filter" + m.domain();
    s.certificate.names = {s.policy.name};
  }
  m.no_proof("the network may have answered");
}

void s18_mode(Maker& m) {
  const bool implicit_client = m.one_in(2);
  const std::uint16_t port = implicit_client ? 587 : 465;
  auto o = ask_about_server(m, port, Secret::kept);
  auto p = policy_of(m, o);
  p.auth_tls = p.auth_plain = mechanisms;
  p.starttls = true;
  listen(m, o, port, p);
  m.w.question.client.tls = implicit_client ? TlsMode::implicit : TlsMode::plain;
  m.bounce(implicit_client ? "error:0A00010B:SSL routines:ssl3_get_record:wrong version number"
                           : (m.one_in(2) ? "Error: Greeting never received" : "Connection timed out"),
           Maker::Form::bare, o.host, o.ip);
  m.proof(s18);
}

/// It is only slow to greet.
void s18_slow_greeting(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  auto p = policy_of(m, o);
  p.auth_plain = mechanisms;
  p.starttls = m.one_in(2);
  p.behaviour[Moment::connect].delay = std::chrono::seconds(7 + m.r.below(9));
  const auto index = listen(m, o, 587, p);
  if (m.one_in(2)) {
    auto quick = p;
    quick.behaviour.clear();
    m.service(index).change = Service::Change{std::chrono::seconds(m.r.below(20)), quick};
  }
  m.w.question.client.tls = m.one_in(2) ? TlsMode::plain : TlsMode::starttls;
  m.bounce("Error: Greeting never received", Maker::Form::bare, o.host, o.ip);
}

/// Port 465, spoken in plain text by both; the refusal is about something else.
void s18_plain_465(Maker& m) {
  auto o = ask_about_server(m, 465, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.starttls = true;
  m.serve(o.ip, 465, p);
  hold_words(m, o, o.words);
  m.may({s13});
  m.no_proof("465 suggests TLS from the start");
}

// ---- all well, or something else ----

void all_well(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  listen(m, o, 587, p);
}

/// The refusal came from somewhere; from here it is taken without a login.
void taken_from_here(Maker& m) {
  auto o = ask_about_server(m, 587, m.one_in(2) ? Secret::given : Secret::kept);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.relays_for = {*Network::parse("0.0.0.0/0")};
  listen(m, o, 587, p);
  hold_words(m, o, o.words);
  m.may({s13, s35});
  m.no_proof("we are another client");
}

void another_server(Maker& m) {
  auto o = ask_about_server(m, 587, m.one_in(2) ? Secret::given : Secret::kept);
  auto stranger = o;
  stranger.host = "host9." + m.domain();
  auto p = policy_of(m, stranger);
  p.auth_plain = p.auth_tls = mechanisms;
  p.users.clear();
  auto index = listen(m, o, 587, p);
  m.service(index).certificate.names = {stranger.host};
  hold_words(m, o, o.words);
  m.may({s13, s19});
}

/// Port 25 leads to a machine of the network; 587 is the server itself.
void intercepted(Maker& m) {
  auto o = ask_about_server(m, 25, m.one_in(2) ? Secret::given : Secret::kept);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.starttls = true;
  listen(m, o, 25, p);
  listen(m, o, 587, p);
  Service box;
  box.policy = m.exchanger("gw." + m.domain());
  box.policy.starttls = false;
  m.w.internet.interceptor = box;
  hold_words(m, o, m.one_in(2) ? box.policy.relay_refusal : o.words);
  m.may({s47});
}

constexpr Kind table[] = {
    {"S13.login", s13_login},
    {"S13.no-secret", s13_no_secret},
    {"S13.no-port", s13_no_port},
    {"S14.cpanel", s14_cpanel},
    {"S16.after-tls", s16_after_tls},
    {"S16.tls-unknown", s16_tls_unknown},
    {"S17.port", s17_port},
    {"S17.port-unknown", s17_port_unknown},
    {"S17.appliance", s17_appliance},
    {"S18.mode", s18_mode},
    {"S18.slow-greeting", s18_slow_greeting},
    {"S18.plain-465", s18_plain_465},
    {"S47.submission", intercepted},
    {"S67.another-server", another_server},
    {"like.all-well", all_well},
    {"like.taken-from-here", taken_from_here},
};

}  // namespace

std::span<const Kind> submission_kinds() { return table; }

}  // namespace smtpdx::sim
