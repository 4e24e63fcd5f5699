// SPDX-License-Identifier: Apache-2.0
#pragma once

// Policy discovery and alignment of RFC 7489 and of RFC 9989, as a task that says what it did.

#include <string>
#include <vector>

#include "base/time.hpp"
#include "dmarc/outcome.hpp"
#include "dmarc/public_suffix.hpp"
#include "dns/resolver.hpp"
#include "io/task.hpp"

namespace smtpdx::dmarc {

struct Question {
  Profile profile = Profile::rfc9989;
  /// Of the From field: exactly one, as A-labels. A message with none or several is the caller's business (RFC 7489
  /// §6.6.1, RFC 9989 §5.3.1).
  std::string from_domain;
  std::vector<Identifier> identifiers;
};

/// Never fails: what DNS does not tell is temperror. All must outlive the task; `suffixes` is used by RFC 7489 only.
/// The names of a tree walk (at most eight) are asked for at once.
io::Task<Outcome> check(dns::Resolver& resolver, const PublicSuffixes& suffixes, Question question, Deadline deadline);

}  // namespace smtpdx::dmarc
