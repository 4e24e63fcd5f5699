// SPDX-License-Identifier: Apache-2.0
//
// The table of kinds, and the bricks they share. A kind builds one situation with its truth; spoil() then lets the
// world be as it is: slow, put off, cut off, changed in mid-run. What is spoilt never changes what is so, only what can
// be seen of it: so the set of causes that may be proved stays, and only the expectation of a proof is dropped.

#include "sim/kinds.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::sim {

using mock::Behaviour;
using mock::Moment;

void ask_about_recipient(Maker& m) {
  const auto here = m.domain(), there = m.domain();
  m.w.question.from = "ann@" + here;
  m.w.question.to = "bob@" + there;
  m.zone(there);
  m.w.zones.exists(here);
  if (m.one_in(3)) add_controls(m, Door::open, Door::open);
}

Exchanger add_exchanger(Maker& m, const ExchangerOrder& order) {
  Exchanger e;
  const auto label = "mx" + std::to_string(m.r.below(90) + 1) + m.r.word(3);
  const auto provider = m.domain();
  std::string greets;
  switch (order.name) {
    case Name::own:
      e.host = greets = label + "." + order.domain;
      break;
    case Name::provider:
      e.host = greets = label + "." + provider;
      break;
    case Name::masked:
      e.host = label + "." + order.domain;
      greets = "gw-" + label + "." + provider;
      break;
    case Name::hidden:
      e.host = label + "." + order.domain;
      greets = m.one_in(2) ? "localhost.localdomain" : label + "." + provider;
      e.shown = false;
      break;
  }
  e.ip = order.v6 ? m.ip6() : m.ip4();
  e.service = m.serve(e.ip, 25, m.exchanger(greets));
  m.w.zones.mx(order.domain, order.preference, e.host);
  m.w.zones.address(e.host, e.ip);
  if (e.host != greets && order.name == Name::masked) {
    m.w.zones.address(greets, e.ip);
    m.w.zones.ptr(e.ip, greets);
  }
  if (order.name == Name::provider) {
    m.zone(provider);
    if (m.one_in(2)) m.w.zones.ptr(e.ip, e.host);
  }
  return e;
}

Exchanger add_machine(Maker& m, const std::string& host, IpAddress ip) {
  Exchanger e{host, ip, 0, true};
  e.service = m.serve(ip, 25, m.exchanger(host));
  m.w.zones.address(host, ip);
  return e;
}

void add_controls(Maker& m, Door port25, Door port587) {
  for (int i = 0; i < 3; ++i) {
    const auto host = "control" + std::to_string(i) + "." + m.domain();
    const auto ip = m.ip4();
    m.w.zones.address(host, ip);
    m.service(m.serve(ip, 25, m.exchanger(host))).door = port25;
    m.service(m.serve(ip, 587, m.exchanger(host))).door = port587;
    m.w.question.controls25.push_back({host, 25});
    m.w.question.controls587.push_back({host, 587});
  }
}

namespace {

Moment any_moment(Maker& m) { return m.any(std::vector{Moment::connect, Moment::ehlo, Moment::mail, Moment::rcpt}); }

void slow(Maker& m) {
  m.tell("slow hosts");
  for (auto& s : m.w.internet.services) {
    s.round_trip = std::chrono::milliseconds(200 + m.r.below(600));
    if (m.one_in(2)) s.policy.behaviour[Moment::rcpt].delay = std::chrono::milliseconds(m.r.below(1500));
  }
}

void tarpit(Maker& m) {
  m.tell("tarpit");
  for (auto& s : m.w.internet.services)
    s.policy.behaviour[Moment::rcpt].per_octet = std::chrono::milliseconds(1 + m.r.below(15));
}

/// The mail exchanger that a service stands behind.
std::string host_of(const Maker& m, std::size_t index) {
  const auto& address = m.w.internet.services[index].at.address;
  for (const auto& [key, list] : m.w.zones.records) {
    if (key.second != dns::Type::MX) continue;
    for (const auto& mx : list)
      for (auto type : {dns::Type::A, dns::Type::AAAA})
        if (auto it = m.w.zones.records.find({mx.name, type}); it != m.w.zones.records.end())
          for (const auto& a : it->second)
            if (a.address == address) return mx.name;
  }
  return {};
}

/// The others go on refusing, so that afterwards one mail exchanger of several is stale, or one address of a name.
void what_is_left(Maker& m, std::size_t changed, const Spoil& what) {
  auto& truth = m.w.truth;
  truth.may_afterwards.clear();
  for (auto other : what.refusing) {
    if (other == changed) continue;
    const bool same_name = host_of(m, other) == host_of(m, changed);
    truth.may_afterwards.emplace(same_name ? "rcpt.mx_host_resolves_wrong" : "rcpt.one_mx_stale");
  }
}

void change_mind(Maker& m, std::size_t index, const Spoil& what) {
  const auto& domain = what.domain;
  auto& s = m.service(index);
  auto policy = s.policy;
  policy.domains.clear();
  Maker::hold(policy, domain);
  policy.recipients.clear();
  const auto at = std::chrono::milliseconds(m.r.below(4000));
  m.tell("after " + std::to_string(at.count()) + " ms " + s.policy.name + " takes mail for " + domain);
  s.change = Service::Change{at, std::move(policy)};
  m.w.truth.changing = index;
  what_is_left(m, index, what);
}

/// What happens to one of the refusing servers.
void break_one(Maker& m, std::size_t index, std::uint64_t how) {
  auto& s = m.service(index);
  switch (how) {
    case 0: {
      const auto moment = any_moment(m);
      s.policy.behaviour[moment].reply = m.say(Saying::closing);
      s.policy.behaviour[moment].end = Behaviour::End::close;
      return m.no_proof(s.policy.name + " says 421 at " + mock::to_string(moment));
    }
    case 1: {
      const auto moment = any_moment(m);
      s.policy.behaviour[moment].end =
          m.any(std::vector{Behaviour::End::hang, Behaviour::End::close, Behaviour::End::reset});
      return m.no_proof(s.policy.name + " falls silent or hangs up at " + mock::to_string(moment));
    }
    case 2:
      s.door = m.any(std::vector{Door::silent, Door::shut, Door::unreachable});
      return m.no_proof(s.policy.name + " cannot be reached");
    case 3:
      s.policy.max_refused = 1 + static_cast<unsigned>(m.r.below(2));
      return m.no_proof(s.policy.name + " ends the session after so many refusals");
    case 4:
      s.handshake = m.one_in(2) ? Handshake::broken : Handshake::hangs;
      s.policy.starttls = s.policy.esmtp;
      return m.no_proof(s.policy.name + " offers TLS and cannot do it");
    default:
      s.policy.behaviour[Moment::rcpt].end = Behaviour::End::close;
      s.policy.behaviour[Moment::rcpt].after_reply = true;
      return m.no_proof(s.policy.name + " hangs up after its first refusal");
  }
}

void break_dns(Maker& m, const Spoil& what, std::uint64_t how) {
  auto& zones = m.w.zones;
  using Fault = ZoneData::Fault;
  const auto fault = m.one_in(2) ? Fault::servfail : Fault::silence;
  if (how == 0) {
    const auto& mx = zones.records[{what.domain, dns::Type::MX}];
    if (mx.empty()) return;
    const auto host = mx[m.r.below(mx.size())].name;
    zones.faults[{host, m.one_in(3) ? dns::Type::A : dns::Type::AAAA}] = fault;
    return m.no_proof("one family of " + host + " cannot be looked up");
  }
  if (how == 1) {
    zones.faults[{what.domain, dns::Type::MX}] = fault;
    return m.no_proof("the MX cannot be looked up");
  }
  for (auto& [key, list] : zones.records) {
    if (key.second != dns::Type::NS || list.empty()) continue;
    const auto& a = zones.records[{list.front().name, dns::Type::A}];
    if (!a.empty()) zones.lame[a.front().address] = fault;
  }
  m.no_proof("lame name servers");
}

void unreachable_v6(Maker& m, const Spoil& what) {
  auto& mx = m.w.zones.records[{what.domain, dns::Type::MX}];
  if (mx.empty()) return;
  m.w.internet.has_v6 = false;
  m.w.zones.address(mx.front().name, m.ip6());
  m.no_proof("an IPv6 address that cannot be reached from here");
}

}  // namespace

void spoil(Maker& m, const Spoil& what) {
  if (!m.one_in(2)) return;
  const auto pick = [&] { return what.refusing[m.r.below(what.refusing.size())]; };
  const auto how = m.r.below(what.refusing.empty() ? 3 : 16);
  if (how == 0) return slow(m);
  if (how == 1) return tarpit(m);
  if (how == 2) {
    if (what.accepting.empty()) return;
    for (auto i : what.accepting) {
      m.service(i).policy.greylisted = m.say(Saying::greylisted);
      m.service(i).policy.greylist_sessions = 1 + static_cast<unsigned>(m.r.below(3));
    }
    return m.no_proof("greylisting");
  }
  if (how <= 8) return break_one(m, pick(), how - 3);
  if (how <= 11) return break_dns(m, what, how - 9);
  if (how == 12) return unreachable_v6(m, what);
  if (how == 13) {
    for (auto& s : m.w.internet.services) s.policy.max_connections = 1;
    m.tell("one connection a client");
    if (what.needs == Spoil::Needs::repeats) m.no_proof("no second connection");
    return;
  }
  change_mind(m, pick(), what);
}

namespace {

const std::vector<Kind>& table() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> list;
    for (auto part : {recipient_kinds(), lookalike_kinds(), submission_kinds(), login_kinds(), address_kinds(),
                      client_kinds(), own_server_kinds()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

}  // namespace

std::vector<std::string_view> kinds() {
  std::vector<std::string_view> names;
  for (const auto& k : table()) names.push_back(k.name);
  return names;
}

World make_world(std::uint64_t seed, std::string_view only) {
  std::vector<const Kind*> open;
  for (const auto& k : table())
    if (k.name.starts_with(only)) open.push_back(&k);
  Random chooser(seed ^ 0xA5A5A5A5ULL);
  if (open.empty()) open.push_back(&table().front());
  const auto& kind = *open[chooser.below(open.size())];
  Maker maker(seed, std::string(kind.name));
  kind.make(maker);
  return std::move(maker.w);
}

}  // namespace smtpdx::sim
