// SPDX-License-Identifier: Apache-2.0
#include "seal/frames.hpp"

#include <array>

namespace smtpdx::seal {
namespace {

constexpr std::size_t head_size = 5;
constexpr std::size_t read_size = 64 * 1024;

void put_head(std::string& out, std::uint8_t type, std::size_t size) {
  out += static_cast<char>(type);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xFF);
}

std::size_t size_in(std::string_view head) {
  std::size_t size = 0;
  for (char c : head.substr(1, 4)) size = size << 8 | static_cast<unsigned char>(c);
  return size;
}

/// Drops what was used, seldom enough to cost nothing.
void drop_used(std::string& buffer, std::size_t& used) {
  if (used == buffer.size()) {
    buffer.clear();
    if (buffer.capacity() > 16 * read_size) buffer.shrink_to_fit();  // once in a while one frame is large
    used = 0;
  } else if (used > read_size && used > buffer.size() / 2) {
    buffer.erase(0, used);
    used = 0;
  }
}

io::IoFailure too_long(std::size_t size, std::size_t limit) {
  return {io::Failure::not_permitted,
          "a message of " + std::to_string(size) + " octets, at most " + std::to_string(limit) + " are agreed upon"};
}

}  // namespace

Frames::Frames(io::Runtime& runtime, io::OwnedFd fd, std::size_t limit)
    : pipe_(io::make_pipe(runtime, std::move(fd))), limit_(limit) {}

std::optional<io::IoFailure> Frames::write_what_goes() {
  while (out_at_ < out_.size()) {
    const auto n = pipe_->write_now(std::string_view(out_).substr(out_at_));
    if (!n) return n.error();
    if (*n == 0) break;
    out_at_ += *n;
    written_ += *n;
  }
  drop_used(out_, out_at_);
  return std::nullopt;
}

io::Task<io::IoResult<std::size_t>> Frames::send(std::uint8_t type, std::string_view bytes, Deadline deadline) {
  if (bytes.size() > limit_) co_return std::unexpected(too_long(bytes.size(), limit_));
  const auto size = bytes.size();
  put_head(out_, type, size);
  out_ += bytes;
  queued_ += head_size + size;
  const auto end = queued_;
  for (;;) {
    if (auto failure = write_what_goes()) co_return std::unexpected(std::move(*failure));
    if (written_ >= end) co_return size;
    auto failure = co_await pipe_->wait_writable(deadline);
    if (failure) co_return std::unexpected(std::move(*failure));
  }
}

std::optional<io::IoResult<Frame>> Frames::take_frame() {
  const auto rest = std::string_view(in_).substr(in_at_);
  if (rest.size() < head_size) return std::nullopt;
  const auto size = size_in(rest);
  if (size > limit_) {
    close();
    return std::unexpected(too_long(size, limit_));
  }
  if (rest.size() < head_size + size) return std::nullopt;
  Frame frame{static_cast<std::uint8_t>(rest[0]), std::string(rest.substr(head_size, size))};
  in_at_ += head_size + size;
  drop_used(in_, in_at_);
  return frame;
}

/// False where nothing is there. One read a call: what is there beyond it waits in the system.
io::IoResult<bool> Frames::read_what_is_there() {
  const std::size_t had = in_.size();
  io::IoResult<std::size_t> n = 0;
  in_.resize_and_overwrite(had + read_size, [&](char* begin, std::size_t) {
    n = pipe_->read_now({begin + had, read_size});
    return had + n.value_or(0);
  });
  if (!n) {
    const bool within = in_at_ < in_.size() && n.error().kind == io::Failure::closed;
    if (within) return std::unexpected(io::IoFailure{io::Failure::reset, "the other process ended within a message"});
    return std::unexpected(n.error());
  }
  return *n > 0;
}

io::Task<io::IoResult<Frame>> Frames::receive(Deadline deadline) {
  for (;;) {
    if (auto frame = take_frame()) co_return std::move(*frame);
    auto read = read_what_is_there();
    if (!read) co_return std::unexpected(read.error());
    if (*read) continue;
    write_what_goes();  // of an abandoned send; a failure shows in the next read or send
    auto failure = co_await pipe_->wait_readable(deadline);
    if (failure) co_return std::unexpected(std::move(*failure));
  }
}

}  // namespace smtpdx::seal
