// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/world.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"

namespace smtpdx::web {

struct ServeOptions {
  Endpoint listen = {IpAddress::v4(0x7f000001), 8025};  ///< port 0 takes a free one
  api::WorldOptions world;                              ///< for every run; --via cannot be had
  std::vector<std::string> world_arguments;             ///< the same, as the command line has it
  std::string scenario;                                 ///< every run in this scenario's world: "demo" or a path
  std::string store;                                    ///< a URL or path; empty: a file below the state directory
  std::vector<std::string> allowed_targets;             ///< networks that may be asked although they are not public
};

/// Serves the page and the API until SIGINT or SIGTERM. `ready` gets the address to open, as soon as it answers.
/// Errors: usage (an address that is not of this machine's loopback: accounts are not built yet; bad options), system
/// (the address is in use).
Result<void> serve(const ServeOptions& options, const std::function<void(const std::string& address)>& ready);

}  // namespace smtpdx::web
