// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "diag/report.hpp"
#include "engine/diagnose.hpp"
#include "io/runtime.hpp"
#include "mock/record.hpp"
#include "mock/scenario.hpp"
#include "trace/log.hpp"

namespace smtpdx::mock {

struct ScenarioRun {
  diag::Report report;
  std::unique_ptr<trace::Log> log;
  std::vector<std::string> complaints;  ///< of dialogs, see Internet
  std::vector<RecordingResolver::Lookup> lookups;
};

/// Brings the world up, asks the scenario's question of the real engine over real sockets, takes the world down.
/// Several may run at once in one runtime. ErrorKind::malformed where the scenario asks nothing. `runtime`, `scenario`
/// and `catalogue` must outlive the task.
io::Task<Result<ScenarioRun>> run_scenario(io::Runtime& runtime, const Scenario& scenario,
                                           const kb::Catalogue& catalogue, engine::Watcher watcher);

/// Compares what was found with `-- findings --`, completely: one sentence for each difference, with the line of the
/// scenario where there is one. A scenario without that section expects nothing and is never wrong.
std::vector<std::string> differences(const Scenario& scenario, const ScenarioRun& run);

/// The findings in the notation, ready to be pasted below `-- findings --`.
std::string findings_text(const diag::Report& report);

}  // namespace smtpdx::mock
