// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which change broke a signature. The signed digest is at hand: in bh= for the body, and, for RSA, within the signature
// itself. So each likely change is undone in turn until the digest comes out; what makes it come out is proved, and
// nothing else is said. The effort is bounded by counts, not by time, so that the same mail always gets the same
// answer.

#include <cstdint>

#include "dkim/crypto.hpp"
#include "dkim/message.hpp"
#include "dkim/result.hpp"

namespace smtpdx::dkim {

/// Adds to verdict.explanations. Wants body_intact and header_intact set; `own` is the signature's field.
void explain_mismatch(const Message& message, std::uint32_t own, const PublicKey& key, Verdict& verdict);

}  // namespace smtpdx::dkim
