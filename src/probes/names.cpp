// SPDX-License-Identifier: Apache-2.0
#include "probes/names.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dns/lookup.hpp"

namespace smtpdx::probes {

namespace {

constexpr std::size_t max_name_servers = 8;
constexpr Duration authority_limit = 5s;

Sightings one(diag::Fact fact, trace::Evidence evidence, Duration took) {
  Sightings out;
  out.push_back({std::move(fact), std::move(evidence), took});
  return out;
}

}  // namespace

io::Task<Sightings> mx(Env& env, diag::WantMx want, Deadline deadline) {
  const auto started = env.runtime.now();
  auto found = co_await dns::look_up_mx(env.resolver, want.domain, deadline);
  auto evidence = found.mx.evidence;
  co_return one(diag::MxFact{std::move(found)}, std::move(evidence), env.runtime.now() - started);
}

io::Task<Sightings> addresses(Env& env, diag::WantAddresses want, Deadline deadline) {
  const auto started = env.runtime.now();
  if (auto fixed = env.fixed_addresses.find(want.host); fixed != env.fixed_addresses.end()) {
    dns::HostAddresses typed;
    typed.host = want.host;
    typed.addresses = {fixed->second};
    co_return one(diag::AddressFact{std::move(typed)}, {}, Duration{0});
  }
  auto found = co_await dns::look_up_addresses(env.resolver, want.host, deadline);
  auto evidence = found.a ? found.a->evidence : trace::Evidence{};
  co_return one(diag::AddressFact{std::move(found)}, std::move(evidence), env.runtime.now() - started);
}

io::Task<Sightings> ptr(Env& env, diag::WantPtr want, Deadline deadline) {
  const auto started = env.runtime.now();
  auto found = co_await dns::look_up_reverse(env.resolver, want.address, deadline);
  auto evidence = found.ptr.evidence;
  co_return one(diag::PtrFact{std::move(found)}, std::move(evidence), env.runtime.now() - started);
}

io::Task<Sightings> list(Env& env, diag::WantList want, Deadline deadline) {
  const auto started = env.runtime.now();
  const auto name = want.address.reverse_labels() + "." + want.zone;
  auto answer = co_await env.resolver.query(name, dns::Type::A, deadline);
  auto evidence = answer.evidence;
  co_return one(diag::ListFact{want.address, want.zone, std::move(answer)}, std::move(evidence),
                env.runtime.now() - started);
}

namespace {

struct NameServer {
  std::string name;
  std::optional<Endpoint> server;
};

/// The deepest ancestor of the host that has NS records, all asked at once.
io::Task<dns::Answer> zone_of(Env& env, std::string host, Deadline deadline) {
  std::vector<io::Task<dns::Answer>> tasks;
  std::string_view rest = host;
  while (rest.find('.') != std::string_view::npos && tasks.size() < 5) {
    tasks.push_back(env.resolver.query(std::string(rest), dns::Type::NS, deadline));
    rest.remove_prefix(rest.find('.') + 1);
  }
  dns::Answer none;
  none.name = host;
  if (tasks.empty()) co_return none;
  auto answers = co_await io::when_all(std::move(tasks));
  for (auto& a : answers)
    if (a.status == dns::Status::found) co_return a;
  co_return std::move(answers.front());
}

io::Task<NameServer> locate(Env& env, std::string name, Deadline deadline) {
  NameServer ns{name, std::nullopt};
  auto found = co_await dns::look_up_addresses(env.resolver, name, deadline, dns::Families::both);
  if (!found.addresses.empty()) ns.server = Endpoint{found.addresses.front(), env.dns_port};
  co_return ns;
}

io::Task<diag::AuthorityFact::View> ask(Env& env, NameServer ns, std::string host, Deadline deadline) {
  diag::AuthorityFact::View view;
  view.name_server = ns.name;
  if (!ns.server) {
    view.status = dns::Status::local;
    co_return view;
  }
  view.server = *ns.server;
  std::vector<io::Task<dns::Answer>> tasks;
  tasks.push_back(env.resolver.ask_server(*ns.server, host, dns::Type::A, deadline));
  tasks.push_back(env.resolver.ask_server(*ns.server, host, dns::Type::AAAA, deadline));
  auto answers = co_await io::when_all(std::move(tasks));
  view.status = answers[0].status;
  if (!dns::settled(answers[1].status)) view.status = answers[1].status;
  for (const auto& a : answers)
    for (const auto& record : a.records) view.addresses.push_back(record.address);
  std::sort(view.addresses.begin(), view.addresses.end());
  if (!view.addresses.empty() && dns::settled(view.status)) view.status = dns::Status::found;
  co_return view;
}

}  // namespace

io::Task<Sightings> authority(Env& env, diag::WantAuthority want, Deadline deadline) {
  const auto started = env.runtime.now();
  deadline = deadline.within(started, authority_limit);
  diag::AuthorityFact fact;
  fact.host = want.host;
  auto zone = co_await zone_of(env, want.host, deadline);
  if (zone.status == dns::Status::found) {
    fact.zone = zone.name;
    std::vector<io::Task<NameServer>> locating;
    for (const auto& record : zone.records)
      if (locating.size() < max_name_servers) locating.push_back(locate(env, record.name, deadline));
    auto servers = co_await io::when_all(std::move(locating));
    std::vector<io::Task<diag::AuthorityFact::View>> asking;
    for (auto& ns : servers) asking.push_back(ask(env, ns, want.host, deadline));
    fact.views = co_await io::when_all(std::move(asking));
    fact.complete =
        fact.views.size() == zone.records.size() &&  // those beyond the limit may know better
        std::all_of(fact.views.begin(), fact.views.end(), [](const auto& v) { return dns::settled(v.status); });
  } else {
    fact.complete = dns::settled(zone.status);
  }
  co_return one(std::move(fact), zone.evidence, env.runtime.now() - started);
}

namespace {

/// Short names have neighbours by chance; from this length on a neighbour is worth a question.
constexpr std::size_t min_label_for_swaps = 7;
constexpr std::size_t max_candidates = 24;

/// Two neighbouring letters swapped, the commonest slip of a typing hand; and the known names within reach.
std::vector<std::string> slips(const diag::WantNear& want) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (names.size() < max_candidates && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  for (const auto& name : want.known) {
    if (name.empty() || name == want.domain || in_domain(name, want.domain) || in_domain(want.domain, name)) continue;
    if (edit_distance(name, want.domain) <= (want.domain.size() < 8 ? 1u : 2u)) add(name);
  }
  const auto label = want.domain.substr(0, want.domain.find('.'));
  for (std::size_t i = 0; label.size() >= min_label_for_swaps && i + 1 < label.size(); ++i) {
    if (label[i] == label[i + 1] || is_digit(label[i]) || is_digit(label[i + 1]) || label[i] == '-' ||
        label[i + 1] == '-')
      continue;
    auto name = want.domain;
    std::swap(name[i], name[i + 1]);
    add(name);
  }
  return names;
}

}  // namespace

io::Task<Sightings> near(Env& env, diag::WantNear want, Deadline deadline) {
  const auto started = env.runtime.now();
  std::vector<io::Task<dns::MxLookup>> tasks;
  for (const auto& name : slips(want)) tasks.push_back(dns::look_up_mx(env.resolver, name, deadline));
  diag::NearNameFact fact;
  fact.domain = want.domain;
  trace::Evidence evidence;
  if (!tasks.empty()) {
    auto found = co_await io::when_all(std::move(tasks));
    for (const auto& f : found) {
      if (f.kind != dns::MxKind::listed) continue;
      diag::NearNameFact::Near near{f.domain, {}};
      for (const auto& h : f.hosts) near.mx.push_back(h.name);
      fact.names.push_back(std::move(near));
      evidence = f.mx.evidence;
    }
  }
  co_return one(std::move(fact), evidence, env.runtime.now() - started);
}

}  // namespace smtpdx::probes
