// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sessions to be decided by a configuration (`config decide --cases FILE`), one JSON object a line (contract §7).

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/session.hpp"

namespace smtpdx::intake {

struct SessionCase {
  std::string id;  ///< as given; the line's number where there is none
  mta::Session session;
};

/// {"id", "client", "port", "helo", "tls": ""|"starttls"|"wrapper", "cert": null|{"trusted", "fingerprints": {…}},
/// "sasl": null|{"user", "valid"}, "sender", "rcpt"}. Empty lines are skipped. Error malformed with the line's number.
Result<std::vector<SessionCase>> read_session_cases(std::string_view lines);

/// "", "none", "starttls", "wrapper".
Result<mta::Tls> read_tls(std::string_view word);

/// "192.0.2.25/24,2001:db8::25": addresses of the server with the prefix length of their network where given.
Result<std::vector<mta::OwnAddress>> read_own_addresses(std::string_view list);

}  // namespace smtpdx::intake
