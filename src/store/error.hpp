// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace smtpdx::store {

/// Why the store could not do something. The first group is the surroundings' fault and goes away by itself or by
/// somebody's hand: the same call works again then, nothing has to be opened anew. The second is the caller's.
enum class Trouble {
  disk_full,     ///< no space, quota used up, file size limit
  locked,        ///< somebody else holds the database for longer than the store's patience
  gone,          ///< the server or the file cannot be reached now
  read_only,     ///< reading may still work
  clock,         ///< the clock went forward further than is believable; only retention minds
  corrupt,       ///< what is there is damaged or parts of it are missing
  newer_schema,  ///< written by a newer smtpdx
  denied,        ///< wrong password, missing rights, no such database
  failed,        ///< none of these; the message has the words of the library

  invalid,  ///< an argument cannot be kept as it is (not UTF-8, too long, a cursor that is none)
  taken,    ///< the name is in use
  foreign,  ///< the file or stream is not a store of ours
};

/// The permanent word, for logs, metrics and problem documents: "disk-full", "newer-schema" …
std::string_view to_string(Trouble trouble);
/// True for the first group: worth a "degraded" and another try later.
bool is_surroundings(Trouble trouble);

/// `message` is one lower-case sentence without a final period; `hint` is the next step, or empty. Neither holds a
/// password, also where the store's URL does.
struct StoreError {
  Trouble trouble = Trouble::failed;
  std::string message;
  std::string hint;
  /// As the rest of the program speaks of errors: usage for the caller's faults, unreadable or system for the others.
  Error as_error() const;
};

template <class T = void>
using Outcome = std::expected<T, StoreError>;

inline std::unexpected<StoreError> troubled(Trouble kind, std::string message, std::string hint = {}) {
  return std::unexpected(StoreError{kind, std::move(message), std::move(hint)});
}

}  // namespace smtpdx::store
