// SPDX-License-Identifier: Apache-2.0
// Recipient's side, nothing provable: look-alikes made so that a careless rule proves something.

#include "base/text.hpp"
#include "sim/kinds.hpp"

namespace smtpdx::sim {

namespace {

constexpr std::string_view s02 = "rcpt.mx_not_configured_for_domain";
constexpr std::string_view s04 = "rcpt.mx_host_resolves_wrong";
constexpr std::string_view s47 = "net.isp_or_middlebox_intercept";
constexpr std::string_view s49 = "lookalike.recipient_unknown_dbeb";

std::string to_domain(const Maker& m) { return domain_of(m.w.question.to); }

Exchanger healthy(Maker& m, std::uint16_t preference = 10) {
  auto e = add_exchanger(m, {to_domain(m), preference, m.one_in(2) ? Name::own : Name::provider});
  Maker::hold(m.service(e.service).policy, to_domain(m));
  return e;
}

Exchanger refusing(Maker& m, const std::string& words, std::uint16_t preference = 10) {
  auto e = add_exchanger(m, {to_domain(m), preference, m.one_in(2) ? Name::own : Name::provider});
  m.service(e.service).policy.relay_refusal = words;
  return e;
}

void accepted_now(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  if (m.one_in(2)) healthy(m, 20);
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
  spoil(m, {{}, {e.service}, to_domain(m)});
}

/// The sender's own domain is one letter away.
void mistyped(Maker& m) {
  ask_about_recipient(m);
  auto near = to_domain(m);
  near[2] = near[2] == 'x' ? 'y' : 'x';
  m.w.question.from = "ann@" + near;
  m.w.zones.mx(near, 10, "mx." + near);
  m.w.zones.address("mx." + near, m.ip4());
  const auto words = m.say(Saying::relay);
  if (m.one_in(2)) {
    auto e = refusing(m, words);
    m.bounce(words, Maker::Form::any, e.host, e.ip);
  } else {
    const auto ip = m.ip4();
    const auto index = m.serve(ip, 25, m.exchanger(to_domain(m)));
    m.service(index).policy.relay_refusal = words;
    m.w.zones.address(to_domain(m), ip);
    m.bounce(words, Maker::Form::bare, to_domain(m), ip);
  }
}

/// Every client but the gateway's is turned away, in words near to a relay refusal's.
void access_list(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(m.one_in(2) ? Saying::access : Saying::blocked);
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  p.clients = {{*Network::parse("0.0.0.0/0"), words}, {*Network::parse("::/0"), words}};
  if (m.one_in(3)) p.reject = mock::ServerPolicy::DelayReject::at_once;
  m.bounce(m.one_in(2) ? words : m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
  spoil(m, {{e.service}, {}, to_domain(m)});
}

/// The second mail exchanger only takes mail from the first.
void access_list_of_one(Maker& m) {
  ask_about_recipient(m);
  healthy(m, 10);
  const auto words = m.say(Saying::access);
  auto e = healthy(m, 20);
  m.service(e.service).policy.clients = {{*Network::parse("0.0.0.0/0"), words}};
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

/// Turned away in the greeting, with the words of a relay refusal: it is about us.
void turned_away_at_the_door(Maker& m) {
  ask_about_recipient(m);
  const auto words = "554 5.7.1 " + std::string(m.one_in(2) ? "Relay access denied" : "Relaying denied");
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  if (m.one_in(2)) {
    p.greeting = words;
  } else {
    p.senders["<>"] = words;  // … or for the null sender, which is what we are asked to use
    p.behaviour[mock::Moment::mail].reply = words;
  }
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

/// The MX leads to a submission server: nobody gets in without a login, whatever the domain.
void login_wanted(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  p.auth_required = m.say(Saying::auth_demand);
  p.auth_tls = {"PLAIN"};
  p.starttls = true;
  if (m.one_in(2)) healthy(m, 20);
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

void tls_wanted(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  p.tls_required = m.say(Saying::tls_demand);
  p.starttls = false;  // demanded, and not offered
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

/// postmaster is taken, so the domain is known.
void partly_known(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  auto& p = m.service(e.service).policy;
  Maker::hold(p, to_domain(m), {"alice"});
  p.unknown_user = words;  // refuses unknown users in the words of a relay refusal
  m.bounce(words, Maker::Form::any, e.host, e.ip);
  m.may({s49});
  spoil(m, {{e.service}, {}, to_domain(m)});
}

/// With -4 asked for; IPv6 leads to the machine that knows the domain.
void other_family_not_asked(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  auto six = add_machine(m, e.host, m.ip6());
  Maker::hold(m.service(six.service).policy, to_domain(m));
  m.w.question.use_v6 = false;
  m.may({s04});
  m.bounce(words, Maker::Form::any, e.host, e.ip);
}

/// The AAAA could not be looked up, and nobody knows the zone's name servers.
void other_family_not_found(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  auto six = add_machine(m, e.host, m.ip6());
  Maker::hold(m.service(six.service).policy, to_domain(m));
  m.w.zones.faults[{e.host, dns::Type::AAAA}] = ZoneData::Fault::servfail;
  for (auto rest = e.host; !rest.empty(); rest = rest.substr(std::min(rest.find('.'), rest.size() - 1) + 1)) {
    m.w.zones.records.erase({rest, dns::Type::NS});
    if (m.one_in(2)) m.w.zones.faults[{rest, dns::Type::NS}] = ZoneData::Fault::servfail;
  }
  m.may({s04});
  m.bounce(words, Maker::Form::any, e.host, e.ip);
}

/// A fourth exchanger, whose name servers disagree: behind one of its addresses the domain is known.
void disagreement_far_down(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto first = refusing(m, words, 10);
  refusing(m, words, 20);
  refusing(m, words, 30);
  const auto house = m.domain();
  const auto servers = m.zone(house);
  const auto host = "mx." + house;
  auto last = add_machine(m, host, m.ip4());
  m.service(last.service).policy.relay_refusal = words;
  m.w.zones.mx(to_domain(m), 40, host);
  const auto ip = m.ip4();
  const auto good = m.serve(ip, 25, m.exchanger(host));
  Maker::hold(m.service(good).policy, to_domain(m));
  auto record = m.w.zones.records[{host, dns::Type::A}].front();
  record.address = ip;
  m.w.zones.views[{servers[1], {host, dns::Type::A}}] = {record};
  m.may({s04, "rcpt.one_mx_stale"});  // the first three refuse what a machine of the fourth takes
  m.bounce(words, Maker::Form::any, first.host, first.ip);
}

/// No MX, two addresses: the web host refuses, the mail host takes it.
void implicit_with_mail_host(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  const auto web = m.ip4(), mail = m.ip4();
  const auto a = m.serve(web, 25, m.exchanger(to_domain(m))), b = m.serve(mail, 25, m.exchanger(to_domain(m)));
  m.service(a).policy.relay_refusal = words;
  Maker::hold(m.service(b).policy, to_domain(m));
  m.w.zones.address(to_domain(m), web);
  m.w.zones.address(to_domain(m), mail);
  m.may({s04});
  m.bounce(words, Maker::Form::bare, to_domain(m), web);
}

/// No MX, and the host at the address does hold the domain, but not for clients like us.
void implicit_with_access_list(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::access);
  const auto ip = m.ip4();
  const auto index = m.serve(ip, 25, m.exchanger(to_domain(m)));
  Maker::hold(m.service(index).policy, to_domain(m));
  m.service(index).policy.clients = {{*Network::parse("0.0.0.0/0"), words}};
  m.w.zones.address(to_domain(m), ip);
  m.bounce(m.say(Saying::relay), Maker::Form::bare, to_domain(m), ip);
}

void no_mail_at_all(Maker& m) {
  ask_about_recipient(m);
  if (m.one_in(2)) {
    m.w.zones.mx(to_domain(m), 0, "");
  } else {
    m.w.zones.records.erase({to_domain(m), dns::Type::NS});
    m.w.zones.records.erase({to_domain(m), dns::Type::SOA});
  }
  m.bounce(m.say(Saying::relay), Maker::Form::any, "old." + m.domain(), m.ip4());
}

void mailbox_full(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  const auto words = m.say(Saying::mailbox_full);
  m.service(e.service).policy.recipients[m.w.question.to] = words;
  m.bounce(m.one_in(2) ? words : m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

/// The backup has an old list of users; the first takes the recipient.
void stale_user_list(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::unknown_user);
  auto good = healthy(m, m.one_in(2) ? 10 : 30);
  auto e = add_exchanger(m, {to_domain(m), 20, Name::own});
  auto& p = m.service(e.service).policy;
  Maker::hold(p, to_domain(m), {"alice"});
  p.unknown_user = words;
  m.service(e.service).policy.starttls = m.service(good.service).policy.starttls;
  m.bounce(words, m.one_in(2) ? Maker::Form::bare : Maker::Form::said, e.host, e.ip);
}

void put_off(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  p.greylisted = m.say(Saying::greylisted);
  p.greylist_sessions = 1 + static_cast<unsigned>(m.r.below(9));
  m.bounce(m.one_in(2) ? p.greylisted : m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

/// Port 25 is answered on our side of the way, for everybody; the recipient's server is in order.
void intercepted(Maker& m) {
  ask_about_recipient(m);
  Exchanger e;
  if (m.one_in(2)) {
    e = healthy(m);
  } else {
    e.host = to_domain(m);
    e.ip = m.ip4();
    e.service = m.serve(e.ip, 25, m.exchanger(e.host));
    Maker::hold(m.service(e.service).policy, to_domain(m));
    m.w.zones.address(e.host, e.ip);
  }
  Service box;
  box.policy = m.exchanger("proxy." + m.domain());
  box.policy.starttls = m.one_in(4);
  box.certificate.names = {box.policy.name};
  if (m.one_in(2)) m.w.zones.address(box.policy.name, m.ip4());
  m.w.internet.interceptor = box;
  m.bounce(m.one_in(2) ? box.policy.relay_refusal : m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
  m.may({s47});
}

/// The same, for a forward and for a smart host.
void intercepted_forward(Maker& m) {
  intercepted(m);
  m.w.refusal->recipient = m.w.question.to;
  m.w.refusal->original_recipient = "robert@" + m.domain();
}

/// The bounce is real; our own port 25 is shut. Nothing about the other side can be seen.
void blocked_here(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, Door::open, Door::open);
  m.w.internet.blocked = {25};
  m.bounce(words, Maker::Form::any, e.host, e.ip);
  m.no_proof("our own port 25 is shut");
}

void silent_there(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  m.w.question.controls25.clear();
  m.w.question.controls587.clear();
  add_controls(m, Door::open, Door::open);
  m.service(e.service).door = Door::silent;
  m.bounce(m.one_in(2) ? "451 4.4.1 connection timed out" : words, Maker::Form::bare, e.host, e.ip);
  m.may({s02});
  m.no_proof("the host is silent");
}

/// Some machine behind the only name changes its mind in mid-run.
void in_between(Maker& m) {
  ask_about_recipient(m);
  const auto words = m.say(Saying::relay);
  auto e = refusing(m, words);
  auto policy = m.service(e.service).policy;
  Maker::hold(policy, to_domain(m));
  const bool becomes_good = m.one_in(2);
  if (!becomes_good) std::swap(policy, m.service(e.service).policy);
  m.service(e.service).policy.behaviour[mock::Moment::rcpt].delay = std::chrono::milliseconds(m.r.below(600));
  m.service(e.service).change = Service::Change{std::chrono::milliseconds(m.r.below(3000)), policy};
  m.w.truth.changing = e.service;
  if (becomes_good) {
    m.may({s02});
  } else {
    m.w.truth.may_afterwards = {std::string(s02)};
  }
  m.bounce(words, Maker::Form::any, e.host, e.ip);
}

/// Only the random name and the recipient are refused because the server counts refusals.
void counts_refusals(Maker& m) {
  ask_about_recipient(m);
  auto e = healthy(m);
  auto& p = m.service(e.service).policy;
  p.domains.clear();
  Maker::hold(p, to_domain(m), {"alice"});
  p.max_refused = 1;
  p.slow_down = m.one_in(2) ? "550 5.7.1 Relaying denied, too many unknown users" : p.slow_down;
  m.bounce(m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
  m.may({s49});
}

/// Refused in words that no catalogue knows: what they mean is anybody's guess.
void unknown_words(Maker& m) {
  ask_about_recipient(m);
  const auto words = "550 " + m.any(std::vector<std::string>{"5.7.1 ", "5.0.0 ", ""}) + m.r.word(5) + " " + m.r.word(7);
  const bool knows = m.one_in(2);
  auto e = refusing(m, words);
  auto& p = m.service(e.service).policy;
  if (knows) {
    Maker::hold(p, to_domain(m));
    p.clients = {{*Network::parse("0.0.0.0/0"), words}};
  } else {
    m.may({s02});
  }
  m.bounce(m.one_in(2) ? words : m.say(Saying::relay), Maker::Form::any, e.host, e.ip);
}

constexpr Kind table[] = {
    {"like.accepted-now", accepted_now},
    {"like.mistyped", mistyped},
    {"like.access-list", access_list},
    {"like.access-list-of-one", access_list_of_one},
    {"like.turned-away", turned_away_at_the_door},
    {"like.login-wanted", login_wanted},
    {"like.tls-wanted", tls_wanted},
    {"like.partly-known", partly_known},
    {"like.other-family-not-asked", other_family_not_asked},
    {"like.other-family-not-found", other_family_not_found},
    {"like.disagreement-far-down", disagreement_far_down},
    {"like.implicit-mail-host", implicit_with_mail_host},
    {"like.implicit-access-list", implicit_with_access_list},
    {"like.no-mail", no_mail_at_all},
    {"like.mailbox-full", mailbox_full},
    {"like.stale-user-list", stale_user_list},
    {"like.put-off", put_off},
    {"like.intercepted", intercepted},
    {"like.intercepted-forward", intercepted_forward},
    {"like.blocked-here", blocked_here},
    {"like.silent-there", silent_there},
    {"like.in-between", in_between},
    {"like.counts-refusals", counts_refusals},
    {"like.unknown-words", unknown_words},
};

}  // namespace

std::span<const Kind> lookalike_kinds() { return table; }

}  // namespace smtpdx::sim
