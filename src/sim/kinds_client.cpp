// SPDX-License-Identifier: Apache-2.0
// Who the client is (S50 S54 S55) and the way between (S48).

#include "base/text.hpp"
#include "sim/kinds.hpp"

namespace smtpdx::sim {

namespace {

constexpr std::string_view s48 = "net.port25_egress_blocked";
constexpr std::string_view s50 = "lookalike.blocklist_or_access";
constexpr std::string_view s54 = "client.helo_invalid";
constexpr std::string_view s55 = "dns.missing_ptr";

std::string to_domain(const Maker& m) { return domain_of(m.w.question.to); }

Exchanger healthy(Maker& m) {
  auto e = add_exchanger(m, {to_domain(m), 10, m.one_in(2) ? Name::own : Name::provider});
  Maker::hold(m.service(e.service).policy, to_domain(m));
  return e;
}

Network just(const IpAddress& ip) { return *Network::parse(ip.to_string()); }

void list_entry(Maker& m, const IpAddress& ip, const char* code) {
  m.w.zones.address(ip.reverse_labels() + ".bl.example", *IpAddress::parse(code));
}

/// The refused client's address is on the list that the refusal names.
void s50_listed(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto words = m.say(Saying::listed);
  m.service(e.service).policy.clients = {{just(m.client), words}};
  list_entry(m, m.client, m.one_in(2) ? "127.0.0.2" : "127.0.0.10");
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), e.host, e.ip);
  if (m.one_in(2)) m.w.question.sources = {m.client};
  m.proof(s50);
  spoil(m, {{}, {e.service}, to_domain(m)});
  if (m.w.truth.proof.empty()) m.proof(s50);  // the list alone proves it
}

void s50_not_listed_any_more(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  m.bounce(m.say(Saying::listed), Maker::Form::bare, e.host, e.ip);
}

/// The words name no address; ours is on the list, the refused client's need not be.
void s50_we_are_listed(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto ours = m.w.internet.here4;
  m.w.question.sources = {ours};
  list_entry(m, ours, "127.0.0.2");
  m.service(e.service).policy.clients = {{just(ours), m.say(Saying::listed)}};
  m.bounce("554 5.7.1 Service unavailable; Client host blocked using bl.example", Maker::Form::bare, e.host, e.ip);
}

/// The list answers, but not as a list does.
void s50_broken_list(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  list_entry(m, m.client, m.one_in(2) ? "127.255.255.254" : "203.0.113.9");
  m.bounce(m.say(Saying::listed), Maker::Form::bare, e.host, e.ip);
  m.may({"lookalike.dnsbl_resolver_refused"});
}

/// No list is named; a second address gets through.
void s50_source(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const std::string words = m.one_in(2) ? "554 5.7.1 <unknown[%c]>: Client host rejected: Access denied"
                                        : "550 5.7.1 External client with IP address %c does not have permissions to "
                                          "submit to this server.";
  auto& p = m.service(e.service).policy;
  p.clients = {{just(m.client), words}};
  if (m.one_in(3)) p.reject = mock::ServerPolicy::DelayReject::at_once;
  m.w.question.sources = {m.client, m.ip4()};
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), e.host, e.ip);
  m.proof(s50);
  spoil(m, {{}, {e.service}, to_domain(m), Spoil::Needs::repeats});
}

/// Both addresses are refused.
void s50_both_refused(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto words = m.say(Saying::blocked);
  m.service(e.service).policy.clients = {{*Network::parse("0.0.0.0/0"), words}};
  m.w.question.sources = {m.client, m.ip4()};
  m.bounce(words, Maker::Form::bare, e.host, e.ip);
}

void s54_helo(Maker& m) {
  ask_about_recipient(m);
  m.w.question.client.helo = m.one_in(2) ? "printer" : "pc" + m.r.word(3);
  auto e = healthy(m);
  const auto words = m.say(Saying::bad_helo);
  auto& p = m.service(e.service).policy;
  p.helo_not_full = words;
  if (m.one_in(4)) p.reject = mock::ServerPolicy::DelayReject::at_once;
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), e.host, e.ip);
  m.proof(s54);
  spoil(m, {{}, {e.service}, to_domain(m), Spoil::Needs::repeats});
}

/// It refuses every greeting of ours: the name is not what decides.
void s54_any_greeting(Maker& m) {
  ask_about_recipient(m);
  m.w.question.client.helo = "printer";
  auto e = healthy(m);
  const std::string words = "554 5.7.1 <%h>: Helo command rejected: Access denied";
  m.service(e.service).policy.clients = {{*Network::parse("0.0.0.0/0"), words}};
  m.bounce(words, Maker::Form::bare, e.host, e.ip);
}

void s55_no_ptr(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto words = m.say(Saying::no_ptr);
  if (m.one_in(3)) {
    m.w.zones.ptr(m.client, "host." + m.domain());  // a name that does not lead back
  } else if (m.one_in(2)) {
    m.w.zones.exists(m.client.reverse_name());
  }
  m.service(e.service).policy.clients = {{just(m.client), words}};
  if (m.one_in(2)) m.w.question.sources = {m.client};
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), e.host, e.ip);
  m.proof(s55);
  spoil(m, {{}, {e.service}, to_domain(m)});
  if (m.w.truth.proof.empty()) m.proof(s55);
}

void s55_has_one_now(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto host = "host." + m.domain();
  m.w.zones.ptr(m.client, host);
  m.w.zones.address(host, m.client);
  m.bounce(m.say(Saying::no_ptr), Maker::Form::bare, e.host, e.ip);
}

void s55_unknown(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto fault = m.one_in(2) ? ZoneData::Fault::servfail : ZoneData::Fault::silence;
  if (m.one_in(2)) {
    m.w.zones.faults[{m.client.reverse_name(), dns::Type::PTR}] = fault;
  } else {
    const auto host = "host." + m.domain();
    m.w.zones.ptr(m.client, host);
    m.w.zones.faults[{host, dns::Type::A}] = fault;
  }
  m.bounce(m.say(Saying::no_ptr), Maker::Form::bare, e.host, e.ip);
}

/// The words name no address; ours has no PTR, the refused client's has.
void s55_we_have_none(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  m.w.question.sources = {m.w.internet.here4};
  m.bounce("550 5.7.1 Client host rejected: cannot find your reverse hostname", Maker::Form::bare, e.host, e.ip);
}

void s48_blocked(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, Door::open, m.one_in(3) ? Door::shut : Door::open);
  const bool alive = m.w.internet.services.back().door == Door::open;
  m.w.internet.blocked = {25};
  if (!m.one_in(4))
    m.bounce("connect to " + e.host + "[" + e.ip.to_string() + "]:25: Connection timed out", Maker::Form::bare, e.host,
             e.ip);
  m.may({s48});
  if (alive) m.proof(s48);
}

/// Only that host is silent.
void s48_one_silent(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  m.service(e.service).door = Door::silent;
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, m.one_in(2) ? Door::open : Door::shut, Door::open);
  m.bounce("Connection timed out", Maker::Form::bare, e.host, e.ip);
}

/// Nothing connects anywhere: the network is down, not port 25.
void s48_network_down(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, Door::silent, Door::silent);
  m.service(e.service).door = Door::silent;
  m.bounce("Connection timed out", Maker::Form::bare, e.host, e.ip);
}

constexpr Kind table[] = {
    {"S48.blocked", s48_blocked},
    {"S48.one-silent", s48_one_silent},
    {"S48.network-down", s48_network_down},
    {"S50.listed", s50_listed},
    {"S50.not-any-more", s50_not_listed_any_more},
    {"S50.we-are-listed", s50_we_are_listed},
    {"S50.broken-list", s50_broken_list},
    {"S50.source", s50_source},
    {"S50.both-refused", s50_both_refused},
    {"S54.helo", s54_helo},
    {"S54.any-greeting", s54_any_greeting},
    {"S55.no-ptr", s55_no_ptr},
    {"S55.has-one-now", s55_has_one_now},
    {"S55.unknown", s55_unknown},
    {"S55.we-have-none", s55_we_have_none},
};

}  // namespace

std::span<const Kind> client_kinds() { return table; }

}  // namespace smtpdx::sim
