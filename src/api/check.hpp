// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/world.hpp"
#include "diag/survey.hpp"

namespace smtpdx::api {

/// Looks over a domain, a host that takes mail, or an address. `only`: areas, comma-separated; empty: all. `consent`:
/// dns or connect. Errors: usage.
Result<diag::CheckReport> check(World& world, const std::string& target, const std::string& only, kb::Consent consent);

}  // namespace smtpdx::api
