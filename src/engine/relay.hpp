// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "diag/report.hpp"
#include "engine/diagnose.hpp"
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
  std::uint16_t smtp_port = 25;  ///< where the recipient's mail exchangers listen
  /// baseline: only the envelope itself and, with a user, the login; for asking again and again.
  enum class Extent { matrix, baseline } extent = Extent::matrix;
};

struct RelayRow {
  /// What was changed: "baseline", "port", "tls", "auth", "port+auth" (where the baseline's port has no login), "helo",
  /// "source", "family", "address", "mx", "sender", "recipient"; "baseline again" at the end.
  std::string factor;
  std::string value;  ///< what it was changed to
  diag::Attempt attempt;
  std::string observation;  ///< id
  bool flips = false;       ///< decided otherwise than the baseline, which held when it was asked again
};

struct RelayMatrix {
  std::vector<RelayRow> rows;  ///< the baseline first
  std::vector<diag::Observation> observations;
  struct NotTried {
    std::string factor, needs;
  };
  std::vector<NotTried> not_tried;  ///< what was not asked, and what would allow it
  bool steady = true;               ///< the baseline, asked again at the end, was decided as before
  std::string problem;              ///< why there is no matrix: the host was not found, nothing answered
  Duration elapsed{0};
  bool permitted() const { return !rows.empty() && rows.front().attempt.outcome == diag::Outcome::accepted; }
  /// Accepted for the one who logs in, whatever strangers are told.
  bool permitted_by_login() const;
};

/// Never past RCPT. At most ten connections an address. `env` must outlive the task.
io::Task<RelayMatrix> relay_matrix(probes::Env& env, RelayQuestion question, Deadline deadline);

}  // namespace smtpdx::engine
