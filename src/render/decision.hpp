// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a configuration decides about a session, for people and for programs.

#include <string>

#include "mta/decision.hpp"
#include "mta/postfix/change.hpp"

namespace smtpdx::render {

/// One object of contract §7, a line with its end. `advice`: null where no change was asked for.
std::string decision_json(const std::string& id, const mta::Decision& decision,
                          const mta::postfix::ChangeAdvice* advice = nullptr);

/// Verdict, deciding line, every restriction that was asked, and what would have to be known.
std::string decision_text(const mta::Decision& decision);

/// The edits that would flip the answer, as a difference of lines, and what each gives.
std::string change_text(const mta::postfix::ChangeAdvice& advice);

}  // namespace smtpdx::render
