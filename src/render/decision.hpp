// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a configuration decides about a session, for people and for programs.

#include <string>

#include "mta/decision.hpp"

namespace smtpdx::render {

/// One object of contract §7, a line with its end.
std::string decision_json(const std::string& id, const mta::Decision& decision);

/// Verdict, deciding line, every restriction that was asked, and what would have to be known.
std::string decision_text(const mta::Decision& decision);

}  // namespace smtpdx::render
