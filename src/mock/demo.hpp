// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "diag/report.hpp"
#include "engine/diagnose.hpp"
#include "trace/log.hpp"

namespace smtpdx::mock {

/// The built-in scenario: Exchange Online returns a message with "550 5.7.367 Remote server returned not permitted to
/// relay -> 554 5.7.1 Relaying denied". Also a worked example of the notation.
std::string_view demo_scenario();

struct DemoResult {
  diag::Report report;
  std::unique_ptr<trace::Log> log;  ///< what the report's evidence points into
  std::string bounce;               ///< the non-delivery report that was diagnosed
};

/// Brings the built-in internet up on loopback and diagnoses its bounce live: real sockets, DNS, SMTP, no traffic
/// beyond this machine. Takes well under a second. ErrorKind::system where loopback sockets cannot be had.
Result<DemoResult> run_demo(const kb::Catalogue& catalogue, engine::Watcher watcher = {});

}  // namespace smtpdx::mock
