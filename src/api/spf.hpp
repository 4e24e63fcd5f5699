// SPDX-License-Identifier: Apache-2.0
#pragma once

// The verb `spf` as a call.

#include <string>

#include "api/world.hpp"
#include "base/result.hpp"
#include "spf/outcome.hpp"

namespace smtpdx::api {

/// A question in the words of the one who asks.
struct SpfWords {
  std::string ip;
  std::string sender;  ///< may be empty or "<>"
  std::string helo;
  std::string identity = "mail-from";  ///< or "helo"
  std::string receiver;                ///< %{r}; empty means "unknown"
};

/// One check within the world's deadline. Error usage: the address is none, or neither sender nor HELO name is given.
Result<spf::Outcome> spf(World& world, const SpfWords& words);

}  // namespace smtpdx::api
