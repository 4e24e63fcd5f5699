// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of lint.cpp: what the groups of checks share. Not for other floors.

#include <string>
#include <vector>

#include "mta/postfix/lint.hpp"
#include "mta/postfix/relay_side.hpp"

namespace smtpdx::mta::postfix {

class LintRun {
 public:
  explicit LintRun(const Configuration& configuration) : configuration(configuration) {}

  /// The same finding, met at several services, counts once.
  void add(LintFinding finding);

  const Configuration& configuration;
  std::vector<LintFinding> findings;
};

// One function a group, one or several files.
void lint_networks(LintRun& run, Side& side);
void lint_lists(LintRun& run, Side& side);
void lint_replies(LintRun& run, Side& side);
void lint_logins(LintRun& run, Side& side);
void lint_service(LintRun& run, Side& side);
void lint_relay_set(LintRun& run);
void lint_domains(LintRun& run, Side& side);
void lint_tables(LintRun& run);
void lint_settings(LintRun& run);

}  // namespace smtpdx::mta::postfix
