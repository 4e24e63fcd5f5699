// SPDX-License-Identifier: Apache-2.0
#pragma once

// A scenario's world on real sockets of this machine's loopback: every server listens on a free port of 127.0.0.1,
// every name server by UDP and TCP, and doors (Connector, Datagrams) lead there by the scenario's own addresses. What
// the scenario does not describe cannot be reached: no octet leaves the machine.

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/datagram.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::mock {

/// The address our sessions come from where none was chosen (--source): what servers see as client.
inline constexpr const char* default_client = "203.0.113.5";

/// Belongs to the runtime's thread and must die before the runtime; sessions under way end with it.
class Internet {
 public:
  /// ErrorKind::system where no socket can be had, ErrorKind::malformed where the scenario contradicts itself (two
  /// servers at one address and port).
  static Result<std::unique_ptr<Internet>> start(io::Runtime& runtime, Scenario scenario);
  ~Internet();

  /// Takes the scenario's addresses. A host without a server at that port refuses, an unknown address is unreachable.
  io::Connector& connector();
  /// Questions to the resolver and to the scenario's name servers at port 53.
  io::Datagrams& datagrams();
  /// Where the recursive resolver really listens.
  Endpoint resolver() const;
  /// The authority that signed the servers' certificates.
  const std::string& ca_pem() const;

  /// The options by which another smtpdx reaches this world: "--resolver", "127.0.0.1:40001", "--connect-to", … The
  /// last --connect-to sends all else to a closed port. Name servers asked directly cannot be reached that way.
  std::vector<std::string> options() const;
  /// For people: one line a server, "192.0.2.25:25 mx.example.org is 127.0.0.1:40002".
  std::vector<std::string> directory() const;

  /// What clients did otherwise than a dialog wants; empty where all went by the script.
  std::vector<std::string> complaints() const;
  /// Connections accepted so far by the SMTP servers.
  std::size_t connections() const;

  struct Parts;  ///< opaque

 private:
  explicit Internet(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace smtpdx::mock
