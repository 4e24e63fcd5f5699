// SPDX-License-Identifier: Apache-2.0
#pragma once

// Findings about a configuration: for people, as JSON, and as SARIF for the code hosts that show them beside the line.

#include <string>
#include <vector>

#include "mta/postfix/lint.hpp"

namespace smtpdx::render {

std::string lint_text(const std::vector<mta::postfix::LintFinding>& findings);
/// {"schema":"smtpdx.config-lint/1","findings":[{"id","area","severity","subject","title","detail","fix","file","line"}]}
std::string lint_json(const std::vector<mta::postfix::LintFinding>& findings);
/// SARIF 2.1.0 (OASIS): one run, a rule for each kind of finding, paths relative to the configuration directory.
std::string lint_sarif(const std::vector<mta::postfix::LintFinding>& findings, const std::string& version);

}  // namespace smtpdx::render
