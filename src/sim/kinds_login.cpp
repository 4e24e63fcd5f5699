// SPDX-License-Identifier: Apache-2.0
// The login at the user's own outgoing server, its certificate and its mechanisms: S19 to S22, S23, S57, S58, S63.

#include "sim/outgoing.hpp"

namespace smtpdx::sim {

namespace {

using diag::TlsMode;

constexpr std::string_view s20 = "submit.auth_swallowed_then_anonymous";
constexpr std::string_view s21 = "submit.authenticated_but_denied_order";
constexpr std::string_view s22 = "submit.sender_not_owned";
constexpr std::string_view s23 = "m365.no_auth_5757";
constexpr std::string_view s57 = "submit.tls_certificate_name";
constexpr std::string_view s58 = "submit.auth_forced";
constexpr std::string_view s63 = "submit.mechanism_mismatch";

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

// ---- S23 ----

constexpr const char* not_authenticated = "530 5.7.57 Client not authenticated to send mail.";

void exchange_says(Maker& m, Outgoing& o) {
  auto p = policy_of(m, o);
  p.starttls = true;
  p.auth_tls = {"LOGIN", "XOAUTH2"};
  p.auth_required = not_authenticated;
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, not_authenticated);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = m.w.truth.may;  // then is then
}

/// Exchange Online's own name says so; a report that names it is enough.
void s23_exchange_online(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  m.w.zones.address("smtp.office365.com", o.ip);
  o.host = "smtp.office365.com";
  m.w.question.server->host = o.host;
  m.proof(s23);
  exchange_says(m, o);
}

/// An Exchange on the user's own premises has the same words.
void s23_own_exchange(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::kept);
  exchange_says(m, o);
  m.no_proof("the words are Exchange's, the house is not Microsoft's");
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

// ---- S63 ----

/// CRAM-MD5 is offered and cannot work, as where only hashes of passwords are kept.
std::size_t offer_broken_challenge(Maker& m, const Outgoing& o) {
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = {"CRAM-MD5", "PLAIN", "LOGIN"};
  p.starttls = m.one_in(2);
  p.broken_mechanisms = {"CRAM-MD5"};
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, p.auth_refused);
  return index;
}

void s63_mechanism(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  m.w.question.mechanisms_of_client = {"CRAM-MD5"};
  m.w.question.auth_budget = 2 + static_cast<unsigned>(m.r.below(3));
  const auto index = offer_broken_challenge(m, o);
  m.proof(s63);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = {std::string(s63)};  // the mechanism stays broken
}

/// One refused login is all that is allowed: the password may be right.
void s63_one_try(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  if (m.one_in(2)) m.w.question.mechanisms_of_client = {"CRAM-MD5"};
  const auto index = offer_broken_challenge(m, o);
  m.may({s63});
  spoil_server(m, index);
}

/// What the client can do is not known; it used PLAIN and a wrong password.
void s63_client_unknown(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  m.w.question.auth_budget = 3;
  if (m.one_in(2)) m.w.question.mechanisms_of_client = {"CRAM-MD5", "PLAIN"};
  const auto index = offer_broken_challenge(m, o);
  m.may({s19});
  spoil_server(m, index);
}

/// Every mechanism works, and the password is wrong.
void s63_wrong_password(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  m.w.credentials->secret = "wrong-horse";
  m.w.question.mechanisms_of_client = {"CRAM-MD5"};
  m.w.question.auth_budget = 3;
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = {"CRAM-MD5", "PLAIN"};
  const auto index = listen(m, o, 587, p);
  hold_words(m, o, p.auth_refused);
  m.proof(s19);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = {std::string(s19)};
}

/// The login service comes to itself in mid-run: by then any mechanism works.
void s63_comes_to_itself(Maker& m) {
  auto o = ask_about_server(m, 587, Secret::given);
  m.w.question.mechanisms_of_client = {"CRAM-MD5"};
  m.w.question.auth_budget = 4;
  auto p = policy_of(m, o);
  p.auth_plain = p.auth_tls = {"CRAM-MD5", "PLAIN", "LOGIN"};
  auto ill = p;
  ill.broken_mechanisms = {"CRAM-MD5", "PLAIN", "LOGIN"};
  const auto index = listen(m, o, 587, ill);
  m.service(index).change = Service::Change{std::chrono::milliseconds(m.r.below(3000)), p};
  hold_words(m, o, p.auth_refused);
  m.may({s19});  // in what we see, every mechanism was refused: that says so, rightly, of the time before
}

constexpr Kind table[] = {
    {"S19.password", s19_password},
    {"S19.server-trouble", s19_server_trouble},
    {"S20.mechanism", s20_mechanism},
    {"S20.log", s20_log},
    {"S21.order", s21_order},
    {"S22.sender", s22_sender},
    {"S22.sender-does-not-exist", s22_sender_does_not_exist},
    {"S57.certificate", s57_certificate},
    {"S57.private-authority", s57_private_authority},
    {"S58.forced", s58_forced},
    {"S58.login-after-tls", s58_login_after_tls},
    {"S23.exchange-online", s23_exchange_online},
    {"S23.own-exchange", s23_own_exchange},
    {"S63.mechanism", s63_mechanism},
    {"S63.one-try", s63_one_try},
    {"S63.client-unknown", s63_client_unknown},
    {"S63.wrong-password", s63_wrong_password},
    {"S63.comes-to-itself", s63_comes_to_itself},
};

}  // namespace

std::span<const Kind> login_kinds() { return table; }

}  // namespace smtpdx::sim
