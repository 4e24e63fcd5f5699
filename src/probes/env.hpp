// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "diag/facts.hpp"
#include "diag/want.hpp"
#include "dns/resolver.hpp"
#include "io/manners.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"
#include "smtp/sasl.hpp"
#include "trace/log.hpp"

namespace smtpdx::probes {

/// The one door to the world. Tests and the simulation hand in another one; probes know no other way out.
struct Env {
  io::Runtime& runtime;
  io::Connector& connector;
  dns::Resolver& resolver;
  trace::Log& log;
  std::string helo;  ///< our honest EHLO name; empty = the address literal of the connection
  std::optional<smtp::Credentials> credentials;
  unsigned round = 0;  ///< set by the engine; goes into the order of attempts
  unsigned sequence = 0;
  std::uint16_t dns_port = 53;     ///< where authoritative name servers listen
  io::Manners* manners = nullptr;  ///< counts refused recipients; none in tests and own worlds
  /// Hosts whose address was typed (--connect-to HOST:…): never looked up.
  std::map<std::string, IpAddress> fixed_addresses = {};

  /// A position in time: later rounds are later; within one round only attempts of one channel are ordered.
  unsigned next_order() { return (round << 16) | (++sequence & 0xffff); }
};

/// One thing seen, before it gets its observation id.
struct Sighting {
  diag::Fact fact;
  trace::Evidence evidence;
  Duration took{0};
};
using Sightings = std::vector<Sighting>;

/// Runs one want to its end. Never fails: what went wrong is in the facts. `env` must outlive the task.
io::Task<Sightings> run(Env& env, diag::Want want, Deadline deadline);

}  // namespace smtpdx::probes
