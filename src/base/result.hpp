// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace smtpdx {

/// Why *we* could not do something. What a remote host did is never an Error: it is data (an observation).
enum class ErrorKind {
  usage,       ///< the caller asked for something impossible (exit code 2)
  unreadable,  ///< an input file or stream could not be read (exit code 2)
  malformed,   ///< an input was read but is not of its form
  limit,       ///< an input is larger than we agree to read
  system,      ///< the operating system refused (message says what)
  internal,    ///< our own fault (exit code 4)
};

/// `message` is one lower-case sentence without a final period; `hint` says what to do next, or is empty.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string hint;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string hint = {}) {
  return std::unexpected(Error{kind, std::move(message), std::move(hint)});
}

}  // namespace smtpdx
