// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which addresses a service may be sent to by the people who use it (server-side request forgery): those of the open
// Internet, unless its owner allows more. Judged is the address itself, after resolution, by who makes the connection
// (io/doorkeeper.hpp): however it was written and whatever name it came from, it is one number by then.
//
// What is special follows IANA's special-purpose address registries (RFC 6890) and the cloud providers' manuals. An
// IPv6 address that carries an IPv4 one, and would be taken there by a translator or tunnel, is what the inner one is.
// Not judged here: ports, and this machine's own addresses of the open Internet (whoever may connect to them from
// outside may do so from here).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace smtpdx {

enum class AddressKind {
  open,         ///< the Internet; documentation networks too (nobody is there, and examples use them)
  unspecified,  ///< 0.0.0.0/8, ::  (Linux connects to itself)
  loopback,
  private_use,  ///< RFC 1918, RFC 4193, providers' shared space (RFC 6598), site-local, local translation (RFC 8215)
  link_local,
  metadata,  ///< where a cloud tells a machine its secrets
  multicast,
  broadcast,
  reserved,  ///< assigned to protocols, benchmarks, discarding, the future, or to nobody
};
const char* to_string(AddressKind kind);  ///< "private", "link-local"

struct AddressClass {
  AddressKind kind = AddressKind::open;
  IpAddress judged;       ///< the address inside, where there is one; else the address itself
  std::string_view what;  ///< "a private address (RFC 1918)"; empty for open ones; static
};
AddressClass classify(const IpAddress& address);

class AddressPolicy {
 public:
  /// Open addresses only.
  AddressPolicy() = default;
  /// And those in `networks` ("10.0.0.0/8", "fd00::/8", "192.168.1.5"). Fails with ErrorKind::usage.
  static Result<AddressPolicy> allowing(const std::vector<std::string>& networks);

  /// Why not, in words: "10.0.0.5 is a private address (RFC 1918)", "::ffff:7f00:1 means 127.0.0.1, this machine
  /// itself". Nothing where the address may be connected to. A metadata service is allowed by its very address only,
  /// not by a network around it.
  std::optional<std::string> objection(const IpAddress& address) const;

 private:
  std::vector<Network> allowed_;
};

}  // namespace smtpdx
