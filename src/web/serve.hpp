// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/world.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"

namespace smtpdx::web {

/// How the server is reached from beyond this machine. All empty: it is not.
struct PublicOptions {
  std::string certificate, key;    ///< PEM files: TLS here
  bool behind_proxy = false;       ///< somebody else does TLS and passes on what comes
  std::vector<std::string> hosts;  ///< names it is known by, HOST or HOST:PORT
};

struct ServeOptions {
  PublicOptions open;
  Endpoint listen = {IpAddress::v4(0x7f000001), 8025};  ///< port 0 takes a free one
  api::WorldOptions world;                              ///< for every run; --via cannot be had
  std::vector<std::string> world_arguments;             ///< the same, as the command line has it
  std::string scenario;                                 ///< every run in this scenario's world: "demo" or a path
  std::string store;                                    ///< a URL or path; empty: a file below the state directory
  double keep_days = 0;                                 ///< what was kept is erased after so many days; 0: never
  std::vector<std::string> allowed_targets;             ///< networks that may be asked although they are not public
};

/// Serves the page and the API until SIGINT or SIGTERM. `ready` gets the address to open, as soon as it answers.
/// Accounts are asked for as soon as `open` says anything or the address is not of this machine's loopback. Errors:
/// usage (such an address without TLS or a proxy, or without an account; bad options), unreadable (certificate), system
/// (the address is in use).
Result<void> serve(const ServeOptions& options, const std::function<void(const std::string& address)>& ready);

}  // namespace smtpdx::web
