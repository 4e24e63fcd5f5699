// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "diag/facts.hpp"

namespace smtpdx::intake {

/// Finds sessions in which a login failed and the same client was then refused as a relay: in the log of Postfix or
/// Exim (same client and process), or in a client's transcript (AUTH, 535, MAIL, RCPT, refusal). At most 64 MiB are
/// looked at and 100 sessions returned, in the order found.
std::vector<diag::LoggedSessionFact> read_session_log(std::string_view octets);

/// Sessions that a log or a client's transcript shows step by step; none in mails, which only report of them.
std::vector<diag::LoggedSessionFact> sessions_shown(std::string_view octets);

}  // namespace smtpdx::intake
