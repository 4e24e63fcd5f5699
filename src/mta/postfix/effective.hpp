// SPDX-License-Identifier: Apache-2.0
#pragma once

// The settings that decide about relaying, as each service sees them: expanded, and where they come from.

#include <string>
#include <vector>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix {

struct EffectiveSetting {
  std::string name, value;  ///< what only the machine knows stands as "$name"
  Where where;              ///< built in: a default
  bool of_service = false;  ///< by -o in master.cf
};

struct EffectiveService {
  std::string name;
  Where where;
  std::uint16_t port = 0;
  std::vector<EffectiveSetting> settings;
};

/// Each smtpd that clients can reach. `all`: defaults, too; else what was set.
std::vector<EffectiveService> effective_services(const Configuration& configuration, bool all);

}  // namespace smtpdx::mta::postfix
