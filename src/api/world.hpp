// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/datagram.hpp"
#include "io/manners.hpp"
#include "io/net.hpp"
#include "io/real.hpp"
#include "mock/record.hpp"
#include "probes/env.hpp"
#include "trace/log.hpp"

namespace smtpdx::api {

/// Options that replace the world (contract §2).
struct WorldOptions {
  std::vector<std::string> resolvers, trust_anchors, ca_files, connect_to, sources, controls;
  std::string via, now, helo;
  std::uint16_t smtp_port = 25;
  bool only_v4 = false, only_v6 = false, own_server = false;
  double timeout = 60;
  bool record = false;  ///< keep the look-ups, for --record
};

/// Sockets that come from elsewhere: a sealed process can open none itself (seal/).
struct Doors {
  std::unique_ptr<io::Connector> connector;
  std::unique_ptr<io::Datagrams> datagrams;
};
using MakeDoors = std::function<Doors(io::Runtime& runtime, std::shared_ptr<io::TlsClient> tls)>;

/// A login: user, secret, and the mechanism where one was chosen. An empty secret is no login.
struct Login {
  std::string user, secret, mechanism;
};

/// The real world of one run, put together from the options: runtime, resolver, connectors in their order (manners
/// outermost, then --connect-to, then --via, then TCP). Lives as long as the run, on one thread.
class World {
 public:
  /// Errors: usage where an option says nothing sensible, unreadable for files it names, system.
  static Result<std::unique_ptr<World>> make(const WorldOptions& options);
  /// With sockets from `doors`: all files are read now, so that the process may be sealed afterwards. Without DNSSEC
  /// validation, since the validator opens sockets of its own, and without --via.
  static Result<std::unique_ptr<World>> make(const WorldOptions& options, const MakeDoors& doors);
  ~World();
  io::Runtime& runtime();
  trace::Log& log();
  probes::Env& env();
  /// Fills the parts of the question that the options decide (sources, ports, families, controls).
  void apply_to(diag::Case& question) const;
  Deadline deadline() const;
  /// Makes the login known to the probes, and the secret to the log, before anything is said.
  void log_in_as(const Login& login);
  /// All look-ups so far; empty without WorldOptions::record.
  const std::vector<mock::RecordingResolver::Lookup>& lookups() const;

 private:
  enum class Ground { ours, sealed };
  World();
  static Result<std::unique_ptr<World>> make(const WorldOptions& options, Ground ground, const MakeDoors& doors);
  Result<void> make_connectors(const MakeDoors& doors, std::shared_ptr<io::TlsClient> tls);
  void make_env();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace smtpdx::api
