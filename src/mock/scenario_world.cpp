// SPDX-License-Identifier: Apache-2.0
#include "mock/scenario_world.hpp"

#include "dns/make_resolver.hpp"

namespace smtpdx::mock {

namespace {
constexpr const char* own_name = "probe.neutral.example";
}

Result<std::unique_ptr<ScenarioWorld>> ScenarioWorld::open(io::Runtime& runtime, const Scenario& scenario,
                                                           std::optional<smtp::Credentials> credentials) {
  auto internet = Internet::start(runtime, scenario);
  if (!internet) return std::unexpected(internet.error());
  Ground ground{std::move(*internet), std::make_unique<trace::Log>(), nullptr};
  if (credentials) ground.log->add_secret(credentials->secret);
  dns::ResolverOptions options;
  options.forwarders = {ground.internet->resolver()};
  auto resolver = dns::make_resolver({runtime, ground.internet->datagrams(), ground.internet->connector(), *ground.log},
                                     std::move(options));
  if (!resolver) return std::unexpected(resolver.error());
  ground.resolver = std::move(*resolver);
  return std::unique_ptr<ScenarioWorld>(new ScenarioWorld(runtime, std::move(ground), std::move(credentials)));
}

ScenarioWorld::ScenarioWorld(io::Runtime& runtime, Ground ground, std::optional<smtp::Credentials> credentials)
    : internet_(std::move(ground.internet)),
      log_(std::move(ground.log)),
      resolver_(std::move(ground.resolver)),
      manners_(runtime, internet_->connector(), io::Ownership::foreign),
      recorder_(*resolver_),
      env_{runtime, manners_, recorder_, *log_, own_name, std::move(credentials), 0, 0, 53, &manners_} {}

}  // namespace smtpdx::mock
