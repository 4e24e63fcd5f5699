// SPDX-License-Identifier: Apache-2.0
#pragma once

// `--config KIND:PATH`: what a server's own configuration says about one envelope, as an observation ("config.relay").

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "diag/facts.hpp"

namespace smtpdx::intake {

struct ConfigQuestion {
  IpAddress client;         ///< whose mail was refused; 0.0.0.0 where that is not known
  std::uint16_t port = 25;  ///< the service it asked
  std::string sender, recipient;
  /// The server's own addresses with their prefix lengths, as Network::parse gives them. Where that cleared the host's
  /// bits (192.0.2.1/24) only the network is known. Empty: not told.
  std::vector<Network> server_addresses;
};

/// Asks the configuration twice, anonymously and logged in. Only "postfix:PATH" (PATH a directory) for now. What the
/// files do not say stands in ConfigFact::unknown; reply codes are then 0 unless the refusal stands whatever the rest
/// says. Errors: usage (another kind), unreadable, limit, malformed (with file and line).
Result<diag::ConfigFact> read_config(const std::string& kind_and_path, const ConfigQuestion& question);

}  // namespace smtpdx::intake
