// SPDX-License-Identifier: Apache-2.0
// The refuser is the user's own outgoing server: S13 S14 S16 to S22, S35, S46, S57, S58, and what looks like them.

#include "sim/kinds.hpp"

namespace smtpdx::sim {

namespace {

using diag::TlsMode;
using mock::Behaviour;
using mock::Moment;

constexpr std::string_view s13 = "submit.auth_not_attempted";
constexpr std::string_view s14 = "submit.exim_cpanel_unauth";
constexpr std::string_view s16 = "submit.auth_only_after_tls";
constexpr std::string_view s17 = "submit.wrong_port_25";
constexpr std::string_view s18 = "submit.tls_mode_mismatch";
constexpr std::string_view s19 = "submit.credentials_rejected";
constexpr std::string_view s20 = "submit.auth_swallowed_then_anonymous";
constexpr std::string_view s21 = "submit.authenticated_but_denied_order";
constexpr std::string_view s22 = "submit.sender_not_owned";
constexpr std::string_view s35 = "ip.not_in_allowlist";
constexpr std::string_view s46 = "own.routed_address_form";
constexpr std::string_view s47 = "net.isp_or_middlebox_intercept";
constexpr std::string_view s57 = "submit.tls_certificate_name";
constexpr std::string_view s58 = "submit.auth_forced";

const std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};

/// The user's outgoing server and the user's account there.
struct Outgoing {
  std::string host, domain, words;
  IpAddress ip;
};

enum class Secret { given, kept };

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

/// As the world is, for one server and its two to four connections.
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

// ---- S19 to S22 ----

void s19_password(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.starttls = m.one_in(2);
  m.w.credentials->secret = "wrong-horse";
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, m.one_in(2) ? p.auth_refused : o.words);
  m.proof(s19);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = {std::string(s19)};  // the password stays wrong
}

/// The login fails whatever the password is: the server's own trouble.
void s19_server_trouble(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  const std::vector<std::string> words{
      "535 5.7.8 Error: authentication failed: generic failure",
      "535 5.7.8 Error: authentication failed: no mechanism available",
      "535 5.7.8 Error: authentication failed: Invalid authentication mechanism",
      "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
      "454 4.7.0 Temporary authentication failure.",
      "421 4.7.0 Try again later, closing connection.",
      "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
      "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
      "503 5.5.1 Error: authentication not enabled",
      "534 5.7.9 Application-specific password required.",
  };
  p.login_replies["alice"] = p.login_replies["alice@" + o.domain] = m.any(words);
  listen(m, o, 587, p);
  hold_words(m, o, m.one_in(2) ? p.login_replies["alice"] : o.words);
  m.may({"m365.smtp_auth_disabled", "m365.basic_auth_blocked", "google.app_password"});
}

void s20_mechanism(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  m.w.question.mechanisms_of_client = {m.one_in(2) ? "CRAM-MD5" : "NTLM"};
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, o.words);
  m.proof(s20);
  spoil_server(m, index);
}

void s20_log(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, o.words);
  diag::LoggedSessionFact log;
  log.auth = diag::AuthState::failed;
  log.server = o.host;
  log.mechanism = "LOGIN";
  log.auth_reply = m.say(Saying::bad_login);
  log.relay_reply = m.filled(o.words);
  m.w.log = log;
  m.may({s19});
  m.proof(s20);
  spoil_server(m, index);
  m.w.truth.may_afterwards = m.w.truth.may;  // the log is from then
}

void s21_order(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.login_relays = false;
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, o.words);
  m.proof(s21);
  spoil_server(m, index);
}

void s22_sender(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  p.owners["alice"] = p.owners["alice@" + o.domain] = {"alice@" + o.domain};
  p.not_owner = m.say(Saying::not_owner);
  m.w.question.from = "info@" + (m.one_in(2) ? o.domain : m.domain());
  if (m.w.question.from.find(o.domain) == std::string::npos) m.w.question.user = "alice@" + o.domain;
  m.w.credentials->user = m.w.question.user;
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, p.not_owner);
  m.proof(s22);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = {std::string(s22)};  // what changes is who may relay without login
}

/// The sender is refused for what it is, not for whose it is.
void s22_sender_does_not_exist(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = mechanisms;
  m.w.question.user = m.w.credentials->user = "alice@" + o.domain;
  m.w.question.from = "info@" + m.domain();
  const auto words = m.say(m.one_in(2) ? Saying::bad_domain : Saying::blocked);
  p.senders[m.w.question.from] = words;
  listen(m, o, 587, p);
  hold_words(m, o, words);
  m.may({"sender.domain_unresolvable"});
}

// ---- addresses, forms, certificates ----

void s35_allowlist(Maker& m) {
  const std::uint16_t port = m.one_in(2) ? 25 : 587;
  auto o = ask_about_server(m, port, Secret::kept);
  auto p = policy_of(m, o);
  const bool two = m.one_in(2);
  const auto other = m.ip4();
  p.relays_for = {*Network::parse(other.to_string())};
  const auto index = listen(m, o, port, p);
  m.w.question.sources = {m.client};
  if (two) m.w.question.sources.push_back(other);
  hold_words(m, o, o.words);
  if (two) {
    m.proof(s35);
  } else {
    m.may({s35});
  }
  spoil_server(m, index);
}

/// AUTH may stand behind a STARTTLS that does not work from here.
void s35_login_hidden(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  const auto other = m.ip4();
  p.relays_for = {*Network::parse(other.to_string())};
  m.service(listen(m, o, 587, p)).handshake = Handshake::broken;
  m.w.question.sources = {m.client, other};
  hold_words(m, o, o.words);
  m.may({s13, s16});
}

void s46_routed(Maker& m) {
  auto o = ask_about_server(m, 25, Secret::kept);
  auto p = policy_of(m, o);
  p.routed_forms = o.words;
  m.w.question.to = "bob%" + m.domain() + "@" + o.domain;
  const auto index = listen(m, o, 25, p);
  hold_words(m, o, o.words);
  m.proof(s46);
  spoil_server(m, index);
}

void s57_certificate(Maker& m) {
  auto o = ask_about_server(m, m.one_in(2) ? 587 : 465, Secret::kept);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  const auto index = listen(m, o, m.w.question.server->port, p);
  auto& c = m.service(index).certificate;
  c.trust = CertificateOf::Trust::trusted;
  m.w.question.client.tls = m.w.question.server->port == 465 ? TlsMode::implicit : TlsMode::starttls;
  std::string words;
  switch (m.r.below(3)) {
    case 0:
      c.names = {"other." + m.domain()};
      words = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch";
      break;
    case 1:
      c.trust = CertificateOf::Trust::expired;
      words = "x509: certificate has expired or is not yet valid";
      break;
    default:
      c.trust = CertificateOf::Trust::self_signed;
      words = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate";
  }
  m.bounce(words, Maker::Form::bare, o.host, o.ip);
  m.proof(s57);
}

/// The client complained of the name; from here only the authority is unknown, which the client knows.
void s57_private_authority(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  m.service(listen(m, o, 587, p)).certificate.trust = CertificateOf::Trust::private_authority;
  m.w.question.client.tls = TlsMode::starttls;
  m.bounce("x509: certificate is valid for mail.example.com, not smtp.example.com", Maker::Form::bare, o.host, o.ip);
}

void s58_forced(Maker& m) {
  auto o = ask_about_server(m, m.one_in(2) ? 25 : 587, Secret::kept);
  auto p = policy_of(m, o);
  p.relays_for = {*Network::parse("0.0.0.0/0")};
  const auto index = listen(m, o, m.w.question.server->port, p);
  m.bounce(m.one_in(2) ? "SMTP AUTH extension not supported by server." : "503 5.5.1 Error: authentication not enabled",
           Maker::Form::bare, o.host, o.ip);
  m.proof(s58);
  spoil_server(m, index);
  m.w.truth.changing.reset();
  m.service(index).change.reset();
}

void s58_login_after_tls(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = mechanisms;
  p.relays_for = {*Network::parse("0.0.0.0/0")};
  listen(m, o, 587, p);
  m.bounce("SMTP AUTH extension not supported by server.", Maker::Form::bare, o.host, o.ip);
  m.may({s16});
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
    {"S19.password", s19_password},
    {"S19.server-trouble", s19_server_trouble},
    {"S20.mechanism", s20_mechanism},
    {"S20.log", s20_log},
    {"S21.order", s21_order},
    {"S22.sender", s22_sender},
    {"S22.sender-does-not-exist", s22_sender_does_not_exist},
    {"S35.allowlist", s35_allowlist},
    {"S35.login-hidden", s35_login_hidden},
    {"S46.routed", s46_routed},
    {"S47.submission", intercepted},
    {"S57.certificate", s57_certificate},
    {"S57.private-authority", s57_private_authority},
    {"S58.forced", s58_forced},
    {"S58.login-after-tls", s58_login_after_tls},
    {"S67.another-server", another_server},
    {"like.all-well", all_well},
    {"like.taken-from-here", taken_from_here},
};

}  // namespace

std::span<const Kind> submission_kinds() { return table; }

}  // namespace smtpdx::sim
