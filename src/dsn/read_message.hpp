// SPDX-License-Identifier: Apache-2.0
#pragma once

// One message of whatever kind → its refusals.

#include <string_view>
#include <vector>

#include "dsn/reader.hpp"

namespace smtpdx::dsn {

/// All refusals of one message, evidence in octets of the input (`base` is where the message begins there); one entry
/// of its kind where there is no refusal. What was skipped goes to `notes`, at most 20 different lines.
std::vector<Refusal> read_message(std::string_view octets, std::size_t base, std::vector<std::string>& notes);

/// Adds a line once, up to 20 lines.
void note_once(std::vector<std::string>& notes, std::string text);

/// Whether the words hold several marks that only a bounce has: tells a forwarded one from talk about mail.
bool holds_bounce_marks(std::string_view text);

}  // namespace smtpdx::dsn
