// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "diag/survey.hpp"
#include "kb/words.hpp"
#include "probes/env.hpp"

namespace smtpdx::engine {

struct CheckQuestion {
  std::string target;           ///< a domain, a host that takes mail, or an address
  std::set<std::string> areas;  ///< empty: all of kb::check_areas()
  kb::Consent consent = kb::Consent::connect;
  std::vector<IpAddress> sources;
  bool use_v4 = true, use_v6 = true;
  std::uint16_t smtp_port = 25;
};

/// Looks at everything the areas want, as much as can be at once, and judges it. Never past EHLO and STARTTLS. `env`
/// must outlive the task.
io::Task<diag::CheckReport> check(probes::Env& env, CheckQuestion question, Deadline deadline);

}  // namespace smtpdx::engine
