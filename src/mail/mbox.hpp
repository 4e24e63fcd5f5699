// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mailbox files in the mbox form (RFC 4155): messages one after the other, each begun by a "From " line.

#include <cstddef>
#include <string_view>
#include <vector>

namespace smtpdx::mail {

struct MboxMessage {
  std::size_t offset = 0;   ///< of the message's first header line
  std::string_view octets;  ///< without the "From " line
};

/// True where the octets begin with a "From " line that has a time in it.
bool is_mbox(std::string_view octets);
/// At most `limit` messages; a "From " line counts where it stands first or after a blank line.
std::vector<MboxMessage> split_mbox(std::string_view octets, std::size_t limit);

}  // namespace smtpdx::mail
