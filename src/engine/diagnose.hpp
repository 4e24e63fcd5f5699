// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "diag/report.hpp"
#include "kb/catalogue.hpp"
#include "probes/env.hpp"

namespace smtpdx::engine {

/// Told as it happens, for progress and events. All may be empty. Called on the run's thread.
struct Watcher {
  std::function<void(unsigned round, const std::vector<diag::Want>& wants)> on_round;
  std::function<void(const diag::Observation& observation)> on_observation;
  trace::Channel::Watcher on_line;  ///< each line said or heard, secrets replaced; see trace::Log::watch
};

struct Job {
  diag::Case question;
  std::vector<diag::Fact> given;                ///< what intake read out of the input; becomes the first observations
  std::vector<trace::Evidence> given_evidence;  ///< one for each, or empty
  Watcher watcher;
};

/// The loop: judge, ask what would tell the open causes apart, observe, judge again. Ends when nothing more is worth
/// asking or allowed, or at the deadline. `env` and `catalogue` must outlive the task.
io::Task<diag::Report> diagnose(probes::Env& env, const kb::Catalogue& catalogue, Job job, Deadline deadline);

/// Judging alone, without the world: `explain`.
diag::Report judge_offline(const kb::Catalogue& catalogue, Job job);

/// For people: "asking mx1.example.org [192.0.2.25]:25".
std::string describe(const diag::Want& want);

}  // namespace smtpdx::engine
