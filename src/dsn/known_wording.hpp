// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a report says where it quotes no reply: the phrase, else the sentence, among its words that names a reason.

#include <optional>
#include <string>
#include <string_view>

#include "dsn/refusal.hpp"
#include "mail/message.hpp"
#include "mail/text.hpp"

namespace smtpdx::dsn {

/// A refusal of `recipient` (may be empty) from the words; its text is the line or sentence that names the reason and
/// its evidence counts as `words` does. nullopt where neither phrase nor sense is known.
std::optional<Refusal> known_wording(const std::string& recipient, const mail::Text& words);

/// "DELIVERY FAILURE: User Bob (bob@example.org) not listed in Domino Directory": the one maker whose subject is its
/// reason. Elsewhere a subject may be that of the returned message, which says nothing of a refusal.
std::optional<Refusal> reason_in_subject(const mail::Header& header);

/// Words of a report that the message waits.
bool says_delayed(std::string_view text);

}  // namespace smtpdx::dsn
