// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is wrong with a configuration before anybody complains: settings that open the relay, that refuse who is meant
// to pass, or at which the server stops. Each finding names its line, why it matters and what to write instead. A
// setting is judged by what it does (the replay, relay_set.hpp), not by how it looks, wherever that can be told.

#include <string>
#include <string_view>
#include <vector>

#include "mta/postfix/decide.hpp"

namespace smtpdx::mta::postfix {

enum class LintSeverity { info, warn, fail };
std::string_view to_string(LintSeverity severity);

/// One kind of finding. Ids are for ever.
struct LintRule {
  std::string_view id;
  LintSeverity severity;  ///< of its worst finding
  std::string_view title;
};
const std::vector<LintRule>& lint_rules();

struct LintFinding {
  std::string_view id;
  LintSeverity severity = LintSeverity::warn;
  Where where;          ///< built in where a default is the trouble
  std::string subject;  ///< "mynetworks", "submission", "example.org"
  std::string title, why, fix;
};

/// In the order of severity, then file and line. Nothing is run or looked up.
std::vector<LintFinding> lint(const Configuration& configuration);

}  // namespace smtpdx::mta::postfix
