// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mailbox files in the mbox form (RFC 4155): messages one after the other, each begun by a "From " line.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/message.hpp"

namespace smtpdx::mail {

struct MboxMessage {
  std::size_t offset = 0;   ///< of the message's first header line
  std::string_view octets;  ///< without the "From " line
};

/// True where the octets begin with a "From " line that has a time in it.
bool is_mbox(std::string_view octets);
/// At most `limit` messages; a "From " line counts where it stands first or after a blank line.
std::vector<MboxMessage> split_mbox(std::string_view octets, std::size_t limit);

/// The same, message by message from a source that is never in memory as a whole.
class MboxReader {
 public:
  /// Fills at most `room` octets; 0 at the end. `begun` are octets read before.
  using Fill = std::function<std::size_t(char* to, std::size_t room)>;
  MboxReader(std::string begun, Fill fill);
  /// The next message; its octets live until the next call. False at the end. Of a message over `message_limit` the
  /// beginning is given.
  bool next(MboxMessage& message);
  static constexpr std::size_t message_limit = std::size_t{64} << 20;

 private:
  bool more();
  std::optional<std::size_t> next_separator();
  void drop(std::size_t count);

  Fill fill_;
  std::string buffer_;
  LineEnd line_end_;
  std::size_t begin_ = 0;     ///< of the message in hand, within the buffer
  std::size_t searched_ = 0;  ///< up to here no separator begins
  std::size_t base_ = 0;      ///< octets of the source before the buffer
  bool ended_ = false, open_ = false;
};

}  // namespace smtpdx::mail
