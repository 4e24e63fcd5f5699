// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cli/common.hpp"
#include "io/manners.hpp"
#include "mock/record.hpp"
#include "probes/env.hpp"
#include "trace/log.hpp"

namespace smtpdx::cli {

/// The real world of one run, put together from the options: runtime, resolver, connectors in their order (manners
/// outermost, then --connect-to, then --via, then TCP). Lives as long as the run.
class World {
 public:
  static Result<std::unique_ptr<World>> make(const WorldOptions& options);
  ~World();
  io::Runtime& runtime();
  trace::Log& log();
  probes::Env& env();
  /// Fills the parts of the question that the options decide (sources, ports, families, controls).
  void apply_to(diag::Case& question) const;
  Deadline deadline() const;
  /// Makes the login known to the probes, and the secret to the log, before anything is said. An empty secret: no
  /// login.
  void log_in_as(const SecretOptions& options, const std::string& secret);
  /// All look-ups so far; empty without WorldOptions::record.
  const std::vector<mock::RecordingResolver::Lookup>& lookups() const;

 private:
  World();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace smtpdx::cli
