// SPDX-License-Identifier: Apache-2.0
// The user's own outgoing server goes by addresses and forms of them: S35 S36 S46 S70, and what looks like them.

#include "sim/outgoing.hpp"

namespace smtpdx::sim {

namespace {

constexpr std::string_view s36 = "ip.changed_family_or_dynamic";
constexpr std::string_view s46 = "own.routed_address_form";
constexpr std::string_view s70 = "submit.allowlist_not_on_submission";

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

// ---- S36 ----

Network just(const IpAddress& ip) { return *Network::parse(ip.to_string()); }

/// A server with an address of each family, and a client that has both.
struct TwoFamilies {
  Outgoing server;
  IpAddress own6, server6;
  mock::ServerPolicy policy;
};

TwoFamilies two_families(Maker& m) {
  TwoFamilies t;
  t.server = ask_about_server(m, m.one_in(2) ? 25 : 587, Secret::kept);
  t.own6 = m.ip6();
  t.server6 = m.ip6();
  m.w.question.sources = {m.client, t.own6};
  m.w.zones.address(t.server.host, t.server6);
  t.policy = policy_of(m, t.server);
  return t;
}

std::size_t listen_on_both(Maker& m, const TwoFamilies& t, const mock::ServerPolicy& other) {
  const auto port = m.w.question.server->port;
  m.serve(t.server6, port, other);
  const auto index = listen(m, t.server, port, t.policy);
  hold_words(m, t.server, t.server.words);
  return index;
}

/// One family's address is listed, the other's not.
void s36_family(Maker& m) {
  auto t = two_families(m);
  t.policy.relays_for = {just(m.one_in(2) ? m.client : t.own6)};
  const auto index = listen_on_both(m, t, t.policy);
  m.proof(s36);
  spoil_server(m, index);
  if (m.w.truth.changing) m.w.truth.may_afterwards = {std::string(s36)};  // only one address changes its mind
}

/// Neither address is listed.
void s36_neither(Maker& m) {
  auto t = two_families(m);
  t.policy.relays_for = {just(m.ip4())};
  listen_on_both(m, t, t.policy);
  m.may({s35});
}

/// The IPv6 address leads to another machine, which refuses everybody.
void s36_another_machine(Maker& m) {
  auto t = two_families(m);
  t.policy.relays_for = {just(m.client)};
  auto stranger = t.policy;
  stranger.name = "host." + m.domain();
  stranger.relays_for.clear();
  listen_on_both(m, t, stranger);
  m.may({"submit.wrong_endpoint"});
}

/// A login is offered: the address is not what the client needs.
void s36_login(Maker& m) {
  auto t = two_families(m);
  t.policy.relays_for = {just(m.client)};
  t.policy.auth_plain = mechanisms;
  listen_on_both(m, t, t.policy);
  m.may({s13, s36});
}

/// The refused client is another one, with one address that is not listed.
void s36_another_client(Maker& m) {
  auto t = two_families(m);
  m.w.question.sources = {m.ip4(), t.own6};
  m.w.question.client.address = m.client;
  t.policy.relays_for = {just(m.w.question.sources.front())};
  listen_on_both(m, t, t.policy);
  m.may({s35});
}

// ---- S70 ----

/// Port 25 as `inbound` has it, 587 for logins.
struct TwoPorts {
  Outgoing server;
  mock::ServerPolicy inbound, submission;
};

TwoPorts two_ports(Maker& m, Secret secret) {
  TwoPorts t;
  t.server = ask_about_server(m, 587, secret);
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, Door::open, Door::open);
  m.w.question.sources = {m.client};
  t.inbound = policy_of(m, t.server);
  t.submission = t.inbound;
  t.submission.auth_plain = t.submission.auth_tls = mechanisms;
  t.submission.starttls = m.one_in(2);
  return t;
}

std::size_t listen_on_25_and_587(Maker& m, const TwoPorts& t) {
  listen(m, t.server, 25, t.inbound);
  const auto index = listen(m, t.server, 587, t.submission);
  hold_words(m, t.server, t.server.words);
  return index;
}

void s70_submission(Maker& m) {
  auto t = two_ports(m, Secret::kept);
  t.inbound.relays_for = {m.one_in(8) ? *Network::parse("0.0.0.0/0") : just(m.client)};
  const auto index = listen_on_25_and_587(m, t);
  m.may({s13});
  m.proof(s70);
  spoil_server(m, index);
}

/// The recipient lives on that very server: port 25 takes such mail from anybody.
void s70_recipient_is_theirs(Maker& m) {
  auto t = two_ports(m, Secret::kept);
  const auto at = m.w.question.to.find('@') + 1;
  Maker::hold(t.inbound, m.w.question.to.substr(at));
  listen_on_25_and_587(m, t);
  m.may({s13});
}

void s70_not_on_25_either(Maker& m) {
  auto t = two_ports(m, Secret::kept);
  t.inbound.relays_for = {just(m.ip4())};
  listen_on_25_and_587(m, t);
  m.may({s13});
}

/// The address is listed for port 25, and the client has a login for 587, which it does not use.
void s70_login_in_hand(Maker& m) {
  auto t = two_ports(m, Secret::given);
  t.inbound.relays_for = {just(m.client)};
  const auto index = listen_on_25_and_587(m, t);
  m.may({s70});
  m.proof(s13);
  spoil_server(m, index);
}

/// We may relay on port 25; the refused client is another.
void s70_another_client(Maker& m) {
  auto t = two_ports(m, Secret::kept);
  m.w.question.sources = {m.ip4()};
  m.w.question.client.address = m.client;
  t.inbound.relays_for = {just(m.w.question.sources.front())};
  listen_on_25_and_587(m, t);
  m.may({s13});
}

constexpr Kind table[] = {
    {"S35.allowlist", s35_allowlist},
    {"S35.login-hidden", s35_login_hidden},
    {"S46.routed", s46_routed},
    {"S36.family", s36_family},
    {"S36.neither", s36_neither},
    {"S36.another-machine", s36_another_machine},
    {"S36.login", s36_login},
    {"S36.another-client", s36_another_client},
    {"S70.submission", s70_submission},
    {"S70.recipient-is-theirs", s70_recipient_is_theirs},
    {"S70.not-on-25-either", s70_not_on_25_either},
    {"S70.login-in-hand", s70_login_in_hand},
    {"S70.another-client", s70_another_client},
};

}  // namespace

std::span<const Kind> address_kinds() { return table; }

}  // namespace smtpdx::sim
