// SPDX-License-Identifier: Apache-2.0
#pragma once

// check_host() of RFC 7208 §4, as a task that says what it did.

#include <string>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "dns/resolver.hpp"
#include "io/task.hpp"
#include "spf/outcome.hpp"

namespace smtpdx::spf {

/// RFC 7208 §4.6.4.
struct Limits {
  unsigned lookups = 10;
  unsigned voids = 2;
  unsigned names = 10;  ///< MX hosts of one mx (more: permerror), PTR names (more: left out)
};

struct Question {
  IpAddress client;
  /// The reverse path, brackets or not. Empty or "<>": postmaster at the HELO name (§2.4). Without "@" it is a domain.
  std::string sender;
  std::string helo;                         ///< may be empty; then %{h} is "unknown"
  Identity identity = Identity::mail_from;  ///< helo: the HELO name's policy, whatever the sender (§2.3)
  std::string receiver = "unknown";         ///< %{r}
  WallTime now{};                           ///< %{t}
  Limits limits;
};

/// Never fails: what cannot be found out is temperror, with its reason. Resolver and runtime must outlive the task.
/// Asks for no more than the evaluation needs, but for the hosts of one mx and the names of one PTR answer, which are
/// asked for at once. No SPF (type 99) record is ever asked for (§3.1).
io::Task<Outcome> check(dns::Resolver& resolver, Question question, Deadline deadline);

}  // namespace smtpdx::spf
