// SPDX-License-Identifier: Apache-2.0
#pragma once

// Lines of an SMTP session, or bare reply lines one below the other, as people paste them from a terminal or a debug
// log.

#include <string>
#include <vector>

#include "dsn/refusal.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

/// One refusal for each reply of class 4 or 5 that stands at the start of a line (marks as "S: ", "<** ", "SERVER ->
/// CLIENT: " allowed); phase, sender and recipient from the commands before it. At most `limit`.
std::vector<Refusal> read_transcript(const mail::Text& text, std::size_t limit);

}  // namespace smtpdx::dsn
