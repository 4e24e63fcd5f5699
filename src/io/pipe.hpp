// SPDX-License-Identifier: Apache-2.0
#pragma once

// Talking to a process of our own over a socket that it inherited.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/facts.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

struct FdPair {
  OwnedFd ours;
  OwnedFd theirs;
};
enum class PipeKind {
  stream,    ///< octets (SOCK_STREAM): Pipe
  messages,  ///< whole messages, descriptors with them (SOCK_SEQPACKET): io/door.hpp
};
/// Two ends of a unix socket, both non-blocking and not inherited by exec. Fails with ErrorKind::system.
Result<FdPair> socket_pair(PipeKind kind);

/// A stream socket whose reads and writes never wait; waiting is apart, so that a wait may be abandoned without losing
/// count of what has gone out. Descriptors that the other side sends along are dropped by the kernel.
class Pipe {
 public:
  virtual ~Pipe() = default;
  /// How many octets; 0 = none now. closed = the orderly end.
  virtual IoResult<std::size_t> read_now(std::span<char> into) = 0;
  virtual IoResult<std::size_t> write_now(std::string_view bytes) = 0;
  /// To be called after a 0 only. Nothing where it may be tried again, else timed_out or closed (by us). Any number of
  /// coroutines may wait; all are woken, in the order in which they came.
  virtual Task<std::optional<IoFailure>> wait_readable(Deadline deadline) = 0;
  virtual Task<std::optional<IoFailure>> wait_writable(Deadline deadline) = 0;
  virtual void close() = 0;
};
/// Takes the descriptor over. Must die before its Runtime.
std::unique_ptr<Pipe> make_pipe(Runtime& runtime, OwnedFd fd);

}  // namespace smtpdx::io
