// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages between a process and its sealed child (seal/child.hpp): type u8, length u32 in network order, that many
// octets. Each side takes the other one for hostile: a length above the limit ends the conversation before anything is
// allocated for it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/pipe.hpp"

namespace smtpdx::seal {

struct Frame {
  std::uint8_t type = 0;
  std::string bytes;
};

/// One end. Any number may send at once (frames go out whole, in the order of the calls); one at a time receives.
/// All waits may be abandoned; a frame whose send was abandoned goes out with the next call that waits.
class Frames {
 public:
  /// `fd` is a stream socket (io::socket_pair) and taken over. A frame's octets are at most `limit`, both ways.
  Frames(io::Runtime& runtime, io::OwnedFd fd, std::size_t limit);
  Frames(const Frames&) = delete;

  /// Done when the system has taken the whole frame: a receiver that does not read makes the sender wait. `bytes` is
  /// copied before the first wait. not_permitted = longer than the limit, nothing was sent; timed_out = it may still go
  /// out; any other failure is the connection's end.
  io::Task<io::IoResult<std::size_t>> send(std::uint8_t type, std::string_view bytes, Deadline deadline);

  /// The next frame. closed = the other side ended in an orderly way, between frames; timed_out changes nothing;
  /// not_permitted = a frame longer than the limit, after which the connection is closed.
  io::Task<io::IoResult<Frame>> receive(Deadline deadline);

  void close() { pipe_->close(); }

 private:
  std::optional<io::IoFailure> write_what_goes();
  io::IoResult<bool> read_what_is_there();
  std::optional<io::IoResult<Frame>> take_frame();

  std::unique_ptr<io::Pipe> pipe_;
  std::size_t limit_;
  std::string out_;
  std::size_t out_at_ = 0;     ///< of out_, written
  std::uint64_t queued_ = 0;   ///< octets of all frames ever
  std::uint64_t written_ = 0;  ///< of those
  std::string in_;
  std::size_t in_at_ = 0;  ///< of in_, given out
};

}  // namespace smtpdx::seal
