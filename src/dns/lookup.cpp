// SPDX-License-Identifier: Apache-2.0
#include "dns/lookup.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::dns {
namespace {

constexpr std::size_t max_reverse_names = 10;  // RFC 7208 §4.6.4

void collect(const Answer& answer, std::vector<IpAddress>& into) {
  for (const auto& record : answer.records) {
    if (std::ranges::find(into, record.address) == into.end()) into.push_back(record.address);
  }
}

void list_hosts(MxLookup& lookup) {
  bool null_seen = false;
  for (const auto& record : lookup.mx.records) {
    if (record.name.empty()) {
      null_seen = true;
      continue;
    }
    auto place = std::ranges::upper_bound(lookup.hosts, record.preference, {}, &MxHost::preference);
    lookup.hosts.insert(place, {record.preference, record.name, record.ttl});
  }
  lookup.null_beside_others = null_seen && !lookup.hosts.empty();
  lookup.kind = lookup.hosts.empty() ? MxKind::null_mx : MxKind::listed;
}

std::string failed(const Answer& answer) {
  std::string why = std::string(to_string(answer.type)) + " of " + answer.name + ": " + to_string(answer.status);
  return answer.why.empty() ? why : why + " (" + answer.why + ")";
}

void judge_implicit(MxLookup& lookup) {
  const auto& host = *lookup.implicit;
  if (!host.addresses.empty()) {
    lookup.kind = MxKind::implicit;
    lookup.hosts.push_back({0, lookup.domain, 0});
  } else if (host.complete()) {
    lookup.kind = MxKind::none;
  } else {
    for (const auto& answer : host.answers()) {
      if (!settled(answer.status)) lookup.why = failed(answer);
    }
  }
}

}  // namespace

io::Task<HostAddresses> look_up_addresses(Resolver& resolver, std::string host, Deadline deadline, Families families) {
  HostAddresses result;
  if (auto literal = IpAddress::parse(host)) {
    result.host = literal->to_string();
    result.addresses.push_back(*literal);
    co_return result;
  }
  result.host = canonical_name(host);
  std::vector<io::Task<Answer>> questions;
  if (families != Families::v6_only) questions.push_back(resolver.query(result.host, Type::A, deadline));
  if (families != Families::v4_only) questions.push_back(resolver.query(result.host, Type::AAAA, deadline));
  auto answers = co_await io::when_all(std::move(questions));
  for (auto& answer : answers) {
    collect(answer, result.addresses);
    auto& into = answer.type == Type::A ? result.a : result.aaaa;
    into = std::move(answer);
  }
  co_return result;
}

io::Task<MxLookup> look_up_mx(Resolver& resolver, std::string domain, Deadline deadline) {
  MxLookup lookup;
  lookup.domain = canonical_name(domain);
  lookup.mx = co_await resolver.query(lookup.domain, Type::MX, deadline);
  switch (lookup.mx.status) {
    case Status::found:
      list_hosts(lookup);
      co_return lookup;
    case Status::no_name:
      lookup.kind = MxKind::no_name;
      co_return lookup;
    case Status::no_data:
      break;
    default:
      lookup.why = failed(lookup.mx);
      co_return lookup;
  }
  lookup.implicit = co_await look_up_addresses(resolver, lookup.domain, deadline);
  judge_implicit(lookup);
  co_return lookup;
}

io::Task<ReverseLookup> look_up_reverse(Resolver& resolver, IpAddress address, Deadline deadline) {
  ReverseLookup lookup;
  lookup.address = address;
  lookup.ptr = co_await resolver.query(address.reverse_name(), Type::PTR, deadline);
  const auto forward = address.is_v6() ? Type::AAAA : Type::A;
  std::vector<io::Task<Answer>> questions;
  for (const auto& record : lookup.ptr.records) {
    if (lookup.names.size() == max_reverse_names) break;
    lookup.names.push_back({record.name, {}, false});
    questions.push_back(resolver.query(record.name, forward, deadline));
  }
  auto answers = co_await io::when_all(std::move(questions));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& name = lookup.names[i];
    name.forward = std::move(answers[i]);
    name.confirmed = std::ranges::any_of(name.forward.records, [&](const Record& r) { return r.address == address; });
  }
  co_return lookup;
}

}  // namespace smtpdx::dns
