// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "diag/case.hpp"
#include "diag/facts.hpp"

namespace smtpdx::api {

/// A question in the words of the one who asks, from the command line or from JSON. Empty: not said.
struct QuestionWords {
  std::string from, to, server, user, helo;
  std::string client_tls, client_auth, client_address;
  std::string client_mechanisms;  ///< comma-separated
  std::string auth_mechanism;
  std::string auth_methods;  ///< "one", "all"
  std::string auth_budget;   ///< refused logins a run may cause
};

/// Error usage names the option that says nothing sensible, in the command line's spelling.
Result<diag::Case> question_of(const QuestionWords& words);

/// What an input holds, as the first observations: the sessions that a log or transcript shows, and the first refusal.
/// `name` is where it came from.
std::vector<diag::Fact> given_by(const std::string& name, std::string_view octets);

/// The token of a login by XOAUTH2 or OAUTHBEARER, read offline; nullopt for any other login.
std::optional<diag::TokenFact> token_of(const std::string& mechanism, const std::string& secret, WallTime now);

/// The first of them that is a refusal; null where there is none.
const diag::RefusalFact* first_refusal(const std::vector<diag::RefusalFact>& facts);

}  // namespace smtpdx::api
