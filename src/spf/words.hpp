// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a check came to, in sentences. All of it is in the Outcome; nothing is decided here. Octets of strangers come
// out as printable() shows them. Sentences are lower case and without a final period, but for the steps of advice().

#include <string>
#include <vector>

#include "spf/outcome.hpp"

namespace smtpdx::spf {

/// "example.org permits 192.0.2.1 to send as alice@example.org".
std::string headline(const Outcome& outcome);
/// Why: the innermost reason, with the record and the term it lies in.
std::string why(const Outcome& outcome);
std::string why(const Outcome& outcome, const Policy& policy);
std::string why(const Outcome& outcome, const Step& step);
std::string describe(const Flaw& flaw, std::string_view text);

/// Who can change the result: "example.org's DNS (the sender's administrator)".
std::string whose_job(const Outcome& outcome);
/// What to do, step by step; empty where nothing is wrong.
std::vector<std::string> advice(const Outcome& outcome);

}  // namespace smtpdx::spf
