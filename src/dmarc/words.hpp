// SPDX-License-Identifier: Apache-2.0
#pragma once

// What DMARC makes of a message, in sentences. All of it is in the Outcome; nothing is decided here. Octets of
// strangers come out as printable() shows them. Sentences are lower case and without a final period.

#include <string>
#include <string_view>
#include <vector>

#include "dmarc/outcome.hpp"

namespace smtpdx::dmarc {

/// "fail: nothing that passed SPF or DKIM is aligned with example.org, whose policy asks to reject".
std::string headline(const Outcome& outcome);
/// Why it came out so, with the record and the domain it lies at.
std::string why(const Outcome& outcome);
/// Whether and why this identifier is aligned.
std::string why(const Outcome& outcome, const Aligned& aligned);
/// How the policy was found, one line a step: the look-ups, the organizational domain, the tag.
std::vector<std::string> trace(const Outcome& outcome);
std::string describe(const Flaw& flaw, std::string_view record);

/// Where the two standards come to different things for the same message; empty where they agree.
std::vector<std::string> differences(const Outcome& rfc7489, const Outcome& rfc9989);

}  // namespace smtpdx::dmarc
