// SPDX-License-Identifier: Apache-2.0
#pragma once

// Authentication-Results and its ARC form (RFC 8601 §2.2, RFC 8617 §4.1.1): what a server says it found.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtpdx::mail {

struct AuthenticationResult {
  std::string method, result;                                   ///< "dkim", "pass"; lower case
  std::string reason;                                           ///< reason=
  std::vector<std::pair<std::string, std::string>> properties;  ///< "header.d", "example.org"; names lower case
  std::string property(std::string_view name) const;            ///< empty where absent
};

struct AuthenticationResults {
  std::string server;  ///< the authserv-id; empty where it is left out, as Microsoft does
  std::vector<AuthenticationResult> results;
};

/// `value` is what follows the colon (for the ARC form: what follows "i=N;"). Tolerant; at most 100 results.
AuthenticationResults parse_authentication_results(std::string_view value);

}  // namespace smtpdx::mail
