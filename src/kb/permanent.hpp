// SPDX-License-Identifier: Apache-2.0
#pragma once

// The cause codes that smtpdx has promised (contract §5: permanent, never reused). data/causes gives each its words;
// this list only keeps a file from being renamed, lost or invented unseen: rules, stores and users' scripts name them.

#include <cstddef>
#include <span>
#include <string_view>

namespace smtpdx::kb {

struct PermanentCause {
  std::string_view id;    ///< "S01"
  std::string_view code;  ///< "m365.relay_pool_forward"
};

/// All of them, in the order of their ids.
std::span<const PermanentCause> permanent_causes();
bool is_permanent_cause(std::string_view code);
/// The cause's place in that list; its size for a code that is not in it.
std::size_t permanent_number(std::string_view code);
/// The cause's place in that list; the list's size for what stands in none.
std::size_t permanent_number(std::string_view code);

}  // namespace smtpdx::kb
