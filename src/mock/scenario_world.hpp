// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "dns/resolver.hpp"
#include "io/manners.hpp"
#include "mock/internet.hpp"
#include "mock/record.hpp"
#include "probes/env.hpp"
#include "trace/log.hpp"

namespace smtpdx::mock {

/// A scenario's world, up on loopback, with all that probes need to ask in it. Lives as long as the run, on the
/// runtime's thread; stays where it was made, since its parts refer to each other.
class ScenarioWorld {
 public:
  /// Errors: those of Internet::start. The secret is made known to the log before anything is said.
  static Result<std::unique_ptr<ScenarioWorld>> open(io::Runtime& runtime, const Scenario& scenario,
                                                     std::optional<smtp::Credentials> credentials);

  probes::Env& env() { return env_; }
  trace::Log& log() { return *log_; }
  /// For a report that outlives the world.
  std::unique_ptr<trace::Log> take_log() { return std::move(log_); }
  const RecordingResolver& lookups() const { return recorder_; }
  const Internet& internet() const { return *internet_; }

 private:
  struct Ground {
    std::unique_ptr<Internet> internet;
    std::unique_ptr<trace::Log> log;
    std::unique_ptr<dns::Resolver> resolver;
  };
  ScenarioWorld(io::Runtime& runtime, Ground ground, std::optional<smtp::Credentials> credentials);

  std::unique_ptr<Internet> internet_;
  std::unique_ptr<trace::Log> log_;
  std::unique_ptr<dns::Resolver> resolver_;
  io::Manners manners_;
  RecordingResolver recorder_;
  probes::Env env_;
};

}  // namespace smtpdx::mock
