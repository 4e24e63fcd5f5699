// SPDX-License-Identifier: Apache-2.0
#pragma once

// One line of a mail log that tells of a refusal: Postfix (smtp, lmtp, smtpd), Exim's mainlog and rejectlog, Sendmail.

#include <cstddef>
#include <optional>
#include <string_view>

#include "dsn/refusal.hpp"

namespace smtpdx::dsn {

/// nullopt for lines of other kinds, deliveries included. `offset` is where the line begins in the input.
std::optional<Refusal> read_log_line(std::string_view line, std::size_t offset);

/// True for a line that only a mail log has, refusal or not.
bool is_log_line(std::string_view line);

}  // namespace smtpdx::dsn
