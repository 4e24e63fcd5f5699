// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which expectations a configuration meets: for people, as JSON, and as JUnit XML for continuous integration.

#include <string>
#include <vector>

#include "mta/expectation.hpp"

namespace smtpdx::render {

struct ExpectationResult {
  mta::Expectation expectation;
  mta::Decision decision;
  bool holds() const { return mta::holds(expectation, decision); }
};

struct ExpectationReport {
  std::string target, file;
  std::vector<ExpectationResult> results;
};

std::string expectations_text(const ExpectationReport& report);
/// {"schema":"smtpdx.config-expect/1","results":[{"line","expectation","holds","decision":{contract §7}}]}
std::string expectations_json(const ExpectationReport& report);
/// One testsuite; what does not hold is a failure, with the trace for its text.
std::string expectations_junit(const ExpectationReport& report);

}  // namespace smtpdx::render
