// SPDX-License-Identifier: Apache-2.0
#pragma once

// A signature field read (RFC 6376 §3.5, §6.1.1; RFC 8617 §4.1.2, §4.1.3), before DNS is asked.

#include <optional>
#include <string>
#include <string_view>

#include "dkim/result.hpp"

namespace smtpdx::dkim {

enum class FieldKind {
  dkim,         ///< DKIM-Signature
  arc_message,  ///< ARC-Message-Signature: no v=, i= is the instance, From need not be signed
  arc_seal,     ///< ARC-Seal: no body, no h=
};

/// Why a field cannot be verified.
struct Defect {
  Reason reason = Reason::syntax;
  std::string detail;
};

/// Fills `out` as far as it can be read. `value` is what follows the colon. Policy (sha1, x=) is not judged here.
std::optional<Defect> read_signature(FieldKind kind, std::string_view value, Signature& out);

/// Letters, digits, hyphens, underscores and, for mail in RFC 8616's sense, UTF-8; no empty label, at most 253 octets.
bool is_domain(std::string_view name);

}  // namespace smtpdx::dkim
