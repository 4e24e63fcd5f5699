// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who may relay outward through a server, and how that changes: for people and for programs.

#include <string>
#include <vector>

#include "mta/postfix/relay_set.hpp"

namespace smtpdx::render {

struct RelaySetReport {
  std::string target;  ///< "postfix:/etc/postfix", for the witness' command
  std::vector<mta::postfix::RelayRegion> regions;
  std::vector<std::string> not_bounded;
  std::size_t combinations = 0;
};

/// One region: limits, the line that opens it, a witness session as a command.
std::string region_text(const mta::postfix::RelayRegion& region, const std::string& target, std::size_t number);
std::string relay_set_text(const RelaySetReport& report);
/// {"schema":"smtpdx.relay-set/1", "regions":[…], "not_bounded":[…], "combinations":N}
std::string relay_set_json(const RelaySetReport& report);

struct RelayDifferenceReport {
  std::string before, after;
  mta::postfix::RelayDifference difference;
};
std::string relay_difference_text(const RelayDifferenceReport& report);
/// {"schema":"smtpdx.relay-difference/1", "gained":[…], "lost":[…], "not_bounded":[…]}
std::string relay_difference_json(const RelayDifferenceReport& report);

}  // namespace smtpdx::render
