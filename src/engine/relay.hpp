// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "diag/report.hpp"
#include "probes/env.hpp"

namespace smtpdx::engine {

/// The permission matrix of one host: a baseline session, and one session for every single change to it.
struct RelayQuestion {
  HostPort server;  ///< port 0: 25, 465, 587 and 2525 are all looked at
  std::string from, to;
  std::string user;  ///< empty: no login is tried
  std::vector<IpAddress> sources;
  bool use_v4 = true, use_v6 = true;
  std::string random_local_part;
};

struct RelayRow {
  std::string factor;  ///< "baseline", "port", "tls", "auth", "helo", "source", "address", "sender", "recipient"
  std::string value;   ///< what it was changed to
  diag::Attempt attempt;
  std::string observation;  ///< id
  bool flips = false;       ///< decided otherwise than the baseline
};

struct RelayMatrix {
  std::vector<RelayRow> rows;  ///< the baseline first
  std::vector<diag::Observation> observations;
  std::string problem;  ///< why there is no matrix: the host was not found, nothing answered
  Duration elapsed{0};
  bool permitted() const { return !rows.empty() && rows.front().attempt.outcome == diag::Outcome::accepted; }
};

/// Never past RCPT. At most ten connections an address. `env` must outlive the task.
io::Task<RelayMatrix> relay_matrix(probes::Env& env, RelayQuestion question, Deadline deadline);

}  // namespace smtpdx::engine
