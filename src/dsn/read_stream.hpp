// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inputs of any size: a mailbox (mbox) is read message by message and never lies in memory as a whole.

#include <functional>
#include <string>
#include <string_view>

#include "dsn/reader.hpp"

namespace smtpdx::dsn {

/// Stands in the notes where the input went on after what was read.
inline constexpr std::string_view note_cut = "only the first 64 MiB were read";

/// Fills at most `room` octets; 0 at the end.
using Fill = std::function<std::size_t(char* to, std::size_t room)>;
/// Called for each message of a mailbox, or once for anything else; `octets` live for the time of the call.
using Each = std::function<void(ReadResult result, std::string_view octets)>;

/// What is no mailbox is read whole, at most 64 MiB. `name` becomes the refusals' source_name, and their source_index
/// counts over the whole input.
void read_stream(const std::string& name, const Fill& fill, const Each& each);

}  // namespace smtpdx::dsn
