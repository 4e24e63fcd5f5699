// SPDX-License-Identifier: Apache-2.0
#pragma once

// DKIM verification (RFC 6376 §6, RFC 8301, RFC 8463) that says why.
//
// Every DKIM-Signature gets a verdict of its own, in the order in which they stand. The keys are asked for at once; a
// key that DNS does not tell is `temperror`, never "no key". Several key records at one name are tried in turn
// (§6.1.2).
//
// Where a digest does not match it is looked for what would make it match (dkim/changes.hpp): only what undoes the
// damage to the octet counts as proved.

#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "dkim/key.hpp"
#include "dkim/message.hpp"
#include "dkim/result.hpp"
#include "dns/resolver.hpp"
#include "io/task.hpp"

namespace smtpdx::dkim {

/// One verdict a DKIM-Signature field, topmost first; empty where there is none. `message`, `resolver` and `cache` must
/// outlive the task. Never fails.
io::Task<std::vector<Verdict>> verify(const Message& message, dns::Resolver& resolver, KeyCache& cache, Options options,
                                      Deadline deadline);

}  // namespace smtpdx::dkim
