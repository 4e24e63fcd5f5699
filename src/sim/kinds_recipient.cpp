// SPDX-License-Identifier: Apache-2.0
// The recipient's side is at fault, or our own route to it: S02 S03 S04 S05 S07 S12 S49.

#include "base/text.hpp"
#include "sim/kinds.hpp"

namespace smtpdx::sim {

namespace {

constexpr std::string_view s02 = "rcpt.mx_not_configured_for_domain";
constexpr std::string_view s03 = "rcpt.one_mx_stale";
constexpr std::string_view s04 = "rcpt.mx_host_resolves_wrong";
constexpr std::string_view s05 = "rcpt.no_mx_falls_to_web_host";
constexpr std::string_view s07 = "route.rejecter_not_in_mx";
constexpr std::string_view s12 = "forward.user_forward_to_closed_host";
constexpr std::string_view s49 = "lookalike.recipient_unknown_dbeb";

std::string to_domain(const Maker& m) { return domain_of(m.w.question.to); }

Name any_name(Maker& m) { return m.any(std::vector{Name::own, Name::own, Name::provider, Name::masked}); }

/// Refuses the case's domain and serves another one.
void refuse_domain(Maker& m, std::size_t index, const std::string& words) {
  auto& p = m.service(index).policy;
  p.relay_refusal = words;
  Maker::hold(p, m.domain());
}

void mx_refuses(Maker& m, std::size_t hosts, Maker::Form form = Maker::Form::any) {
  ask_about_recipient(m);
  Spoil spoiling{{}, {}, to_domain(m)};
  const auto words = m.say(m.one_in(8) ? Saying::soft_relay : Saying::relay);
  Exchanger first;
  for (std::size_t i = 0; i < hosts; ++i) {
    const bool v6 = m.one_in(6);
    auto e = add_exchanger(m, {to_domain(m), static_cast<std::uint16_t>(10 * (i + 1)), any_name(m), v6});
    refuse_domain(m, e.service, m.one_in(5) ? m.say(Saying::relay) : words);
    spoiling.refusing.push_back(e.service);
    if (m.one_in(5)) {
      auto second = add_machine(m, e.host, m.one_in(2) ? m.ip6() : m.ip4());
      refuse_domain(m, second.service, words);
      spoiling.refusing.push_back(second.service);
    }
    if (i == 0) first = e;
  }
  m.bounce(words, form, first.host, first.ip);
  m.proof(s02);
  spoil(m, spoiling);
}

void s02_single(Maker& m) { mx_refuses(m, 1); }
void s02_several(Maker& m) { mx_refuses(m, 2 + m.r.below(3)); }

/// The user also names the outgoing server; the refusal names the recipient's.
void s02_server_typed(Maker& m) {
  mx_refuses(m, 1 + m.r.below(2), m.one_in(2) ? Maker::Form::said : Maker::Form::report);
  const auto host = "mail." + domain_of(m.w.question.from);
  const auto ip = m.ip4();
  auto p = m.exchanger(host);
  p.auth_plain = p.auth_tls = {"PLAIN", "LOGIN"};
  m.serve(ip, 587, p);
  m.w.zones.address(host, ip);
  m.w.question.server = HostPort{host, 587};
}

void s02_hidden(Maker& m) {
  ask_about_recipient(m);
  auto e = add_exchanger(m, {to_domain(m), 10, Name::hidden});
  m.service(e.service).certificate.names = {"localhost"};
  refuse_domain(m, e.service, m.say(Saying::relay));
  m.bounce(m.service(e.service).policy.relay_refusal, Maker::Form::any, e.host, e.ip);
  m.may({s02});
  m.no_proof("nothing shows that the machine is the one meant");
}

void stale_mx(Maker& m, std::size_t good, std::size_t stale) {
  ask_about_recipient(m);
  Spoil spoiling{{}, {}, to_domain(m), Spoil::Needs::repeats};
  const auto words = m.say(Saying::relay);
  const bool stale_first = m.one_in(2);
  Exchanger shown;
  for (std::size_t i = 0; i < good + stale; ++i) {
    const bool is_stale = stale_first ? i < stale : i >= good;
    auto e = add_exchanger(m, {to_domain(m), static_cast<std::uint16_t>(10 * (i + 1)), any_name(m), m.one_in(8)});
    if (is_stale) {
      refuse_domain(m, e.service, words);
      spoiling.refusing.push_back(e.service);
      shown = e;
    } else {
      Maker::hold(m.service(e.service).policy, to_domain(m),
                  m.one_in(2) ? std::set<std::string>{"bob"} : std::set<std::string>{});
      spoiling.accepting.push_back(e.service);
    }
  }
  m.bounce(words, Maker::Form::any, shown.host, shown.ip);
  m.proof(s03);
  spoil(m, spoiling);
}

void s03_pair(Maker& m) { stale_mx(m, 1, 1); }
void s03_many(Maker& m) { stale_mx(m, 1 + m.r.below(2), 1 + m.r.below(2)); }

/// One name, two machines.
void s04_addresses(Maker& m) {
  ask_about_recipient(m);
  const bool v6_bad = m.one_in(2);
  auto good = add_exchanger(m, {to_domain(m), 10, Name::own, !v6_bad && m.one_in(2)});
  Maker::hold(m.service(good.service).policy, to_domain(m));
  auto bad = add_machine(m, good.host, v6_bad ? m.ip6() : m.ip4());
  const auto words = m.say(Saying::relay);
  m.service(bad.service).policy.name = "old." + m.domain();
  m.service(bad.service).certificate.names = {"old.example"};
  refuse_domain(m, bad.service, words);
  if (m.one_in(3)) {
    auto backup = add_exchanger(m, {to_domain(m), 20, Name::own});
    Maker::hold(m.service(backup.service).policy, to_domain(m));
  }
  m.bounce(words, Maker::Form::any, bad.host, bad.ip);
  m.proof(s04);
  spoil(m, {{bad.service}, {good.service}, to_domain(m), Spoil::Needs::repeats});
}

/// The name servers do not agree; the resolver happened to ask one of them.
void s04_servers(Maker& m) {
  ask_about_recipient(m);
  const auto servers = m.zone("dns-" + to_domain(m));
  auto& zones = m.w.zones;
  auto& ns = zones.records[{to_domain(m), dns::Type::NS}];
  ns.clear();
  zones.ns(to_domain(m), "ns1.dns-" + to_domain(m));
  zones.ns(to_domain(m), "ns2.dns-" + to_domain(m));
  auto seen = add_exchanger(m, {to_domain(m), 10, Name::own});
  auto hidden_ip = m.ip4();
  const auto hidden = m.serve(hidden_ip, 25, m.exchanger(seen.host));
  m.service(hidden).policy.starttls = m.service(seen.service).policy.starttls;
  m.service(hidden).policy.esmtp = m.service(seen.service).policy.esmtp;
  auto record = zones.records[{seen.host, dns::Type::A}].front();
  record.address = hidden_ip;
  zones.views[{servers[1], {seen.host, dns::Type::A}}] = {record};
  const bool seen_refuses = m.one_in(2);
  const auto bad = seen_refuses ? seen.service : hidden;
  const auto good = seen_refuses ? hidden : seen.service;
  const auto words = m.say(Saying::relay);
  refuse_domain(m, bad, words);
  Maker::hold(m.service(good).policy, to_domain(m));
  m.bounce(words, Maker::Form::any, seen.host, m.service(bad).at.address);
  m.proof(s04);
  spoil(m, {{bad}, {good}, to_domain(m), Spoil::Needs::repeats});
}

void s05_web_host(Maker& m) {
  ask_about_recipient(m);
  const auto ip = m.ip4();
  const bool named = m.one_in(2);
  const auto host = named ? to_domain(m) : "web7." + m.domain();
  const auto index = m.serve(ip, 25, m.exchanger(host));
  m.w.zones.address(to_domain(m), ip);
  if (!named) {
    if (m.one_in(2)) m.w.zones.ptr(ip, host);
    m.w.zones.address(host, ip);
  }
  const auto words = m.say(Saying::relay);
  refuse_domain(m, index, words);
  m.bounce(words, m.one_in(2) ? Maker::Form::bare : Maker::Form::wrapped, to_domain(m), ip);
  m.proof(s05);
  spoil(m, {{index}, {}, to_domain(m)});
}

/// Our own route leads to a host that is none of the mail exchangers.
void smart_host(Maker& m, Maker::Form form) {
  ask_about_recipient(m);
  auto good = add_exchanger(m, {to_domain(m), 10, any_name(m)});
  Maker::hold(m.service(good.service).policy, to_domain(m));
  const auto house = m.domain();
  auto smart = add_machine(m, "smart." + house, m.ip4());
  const auto words = m.say(Saying::relay);
  refuse_domain(m, smart.service, words);
  m.bounce(words, form, smart.host, smart.ip);
  spoil(m, {{smart.service}, {good.service}, to_domain(m), Spoil::Needs::repeats});
}

void s07_smart_host(Maker& m) {
  m.proof(s07);
  smart_host(m, Maker::Form::report);
}

/// The same to look at, but the mail exchanger took the message and handed it to a machine further in that refused it.
void s07_further_in(Maker& m) {
  smart_host(m, Maker::Form::said);
  m.no_proof("nobody says who met the refusal: it may have been the recipient's own gateway");
}

/// The report says so: the recipient's gateway wrote it.
void s07_gateway_reports(Maker& m) {
  smart_host(m, Maker::Form::report);
  m.w.refusal->reporter = m.w.zones.records[{to_domain(m), dns::Type::MX}].front().name;
  m.no_proof("the recipient's gateway reports it");
}

void s12_forward(Maker& m) {
  ask_about_recipient(m);
  auto e = add_exchanger(m, {to_domain(m), 10, any_name(m)});
  const auto words = m.say(Saying::relay);
  refuse_domain(m, e.service, words);
  m.bounce(words, Maker::Form::report, e.host, e.ip);
  m.w.refusal->original_recipient = "robert@" + m.domain();
  m.may({s02});
  m.proof(s12);
  spoil(m, {{e.service}, {}, to_domain(m)});
}

void s12_open_again(Maker& m) {
  ask_about_recipient(m);
  auto e = add_exchanger(m, {to_domain(m), 10, any_name(m)});
  Maker::hold(m.service(e.service).policy, to_domain(m));
  m.bounce(m.say(Saying::relay), Maker::Form::report, e.host, e.ip);
  m.w.refusal->original_recipient = "robert@" + m.domain();
  m.no_proof("the forward's target takes it now");
}

void s49_unknown(Maker& m) {
  ask_about_recipient(m);
  Spoil spoiling{{}, {}, to_domain(m)};
  const auto words = m.say(Saying::unknown_user);
  Exchanger first;
  for (std::size_t i = 0; i < 1 + m.r.below(2); ++i) {
    auto e = add_exchanger(m, {to_domain(m), static_cast<std::uint16_t>(10 + 10 * i), any_name(m)});
    Maker::hold(m.service(e.service).policy, to_domain(m), {"alice"});
    m.service(e.service).policy.unknown_user = words;
    spoiling.refusing.push_back(e.service);
    if (i == 0) first = e;
  }
  m.bounce(words, m.any(std::vector{Maker::Form::bare, Maker::Form::said, Maker::Form::report}), first.host, first.ip);
  m.proof(s49);
  spoil(m, spoiling);
}

/// The words are a relay refusal's, the mailbox is what is missing: named at most.
void s49_under_other_words(Maker& m) {
  ask_about_recipient(m);
  auto e = add_exchanger(m, {to_domain(m), 10, any_name(m)});
  Maker::hold(m.service(e.service).policy, to_domain(m), {"alice"});
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
  m.may({s49});
  m.no_proof("what is refused now is not what was asked about");
}

constexpr Kind table[] = {
    {"S02.single", s02_single},
    {"S02.several", s02_several},
    {"S02.server-typed", s02_server_typed},
    {"S02.hidden", s02_hidden},
    {"S03.pair", s03_pair},
    {"S03.many", s03_many},
    {"S04.addresses", s04_addresses},
    {"S04.name-servers", s04_servers},
    {"S05.web-host", s05_web_host},
    {"S07.smart-host", s07_smart_host},
    {"S07.further-in", s07_further_in},
    {"S07.gateway-reports", s07_gateway_reports},
    {"S12.forward", s12_forward},
    {"S12.open-again", s12_open_again},
    {"S49.unknown", s49_unknown},
    {"S49.other-words", s49_under_other_words},
};

}  // namespace

std::span<const Kind> recipient_kinds() { return table; }

}  // namespace smtpdx::sim
