// SPDX-License-Identifier: Apache-2.0
#pragma once

// A world from a seed: zones, servers, what the user typed, and the truth. What the engine says about it can then be
// compared with what is so. Kinds and their table: kinds.cpp.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "diag/case.hpp"
#include "diag/facts.hpp"
#include "dsn/refusal.hpp"
#include "sim/virtual_dns.hpp"
#include "sim/virtual_net.hpp"
#include "smtp/sasl.hpp"

namespace smtpdx::sim {

struct Truth {
  std::set<std::string> may;  ///< cause codes that are so, and may therefore be proved
  std::string proof;          ///< the one that can be proved in this world with what was given; empty = none can
  std::string meant;          ///< the same before the world was spoilt: what is so, provable or not
  /// With a change in mid-run (Service::Change of service `changing`): what is so afterwards.
  std::set<std::string> may_afterwards;
  std::optional<std::size_t> changing;
};

struct World {
  std::uint64_t seed = 0;
  std::string kind;
  std::vector<std::string> story;  ///< for people: what was built and what was spoilt
  Internet internet;
  ZoneData zones;
  Duration dns_latency{10'000'000};
  diag::Case question;
  std::optional<dsn::Refusal> refusal;
  std::optional<diag::LoggedSessionFact> log;
  std::optional<diag::ConfigFact> config;  ///< what the user's --config says
  std::optional<smtp::Credentials> credentials;
  std::string helo = "probe.neutral.example";
  Truth truth;
};

/// The same seed gives the same world, for ever within one build. `only`: a kind by name, or the beginning of names;
/// empty = any, chosen by the seed.
World make_world(std::uint64_t seed, std::string_view only = {});
std::vector<std::string_view> kinds();

}  // namespace smtpdx::sim
