// SPDX-License-Identifier: Apache-2.0
#include "io/pipe.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "io/socket.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {
namespace {

IoFailure closed_here() { return failure_of(Woken::closed); }

class SocketPipe final : public Pipe {
 public:
  SocketPipe(Loop& loop, OwnedFd fd) : watched_(new Watched(loop, fd.release())) {}
  ~SocketPipe() override { watched_->close(); }

  IoResult<std::size_t> read_now(std::span<char> into) override {
    if (watched_->closed()) return std::unexpected(closed_here());
    for (;;) {
      const auto n = ::recv(watched_->fd(), into.data(), into.size(), MSG_DONTWAIT);
      if (n > 0) return static_cast<std::size_t>(n);
      if (n == 0) return std::unexpected(IoFailure{Failure::closed, "the other process closed the connection"});
      if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
      if (errno != EINTR) return std::unexpected(io_failure(errno));
    }
  }

  IoResult<std::size_t> write_now(std::string_view bytes) override {
    if (watched_->closed()) return std::unexpected(closed_here());
    for (;;) {
      const auto n = ::send(watched_->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
      if (errno != EINTR) return std::unexpected(io_failure(errno));
    }
  }

  Task<std::optional<IoFailure>> wait_readable(Deadline deadline) override {
    return wait(watched_, Side::read, deadline);
  }
  Task<std::optional<IoFailure>> wait_writable(Deadline deadline) override {
    return wait(watched_, Side::write, deadline);
  }
  void close() override { watched_->close(); }

 private:
  static Task<std::optional<IoFailure>> wait(WatchedPtr watched, Side side, Deadline deadline) {
    const auto woken = co_await watched->wait(side, deadline);
    if (woken == Woken::ready) co_return std::nullopt;
    co_return failure_of(woken);
  }

  WatchedPtr watched_;
};

}  // namespace

Result<FdPair> socket_pair(PipeKind kind) {
  const int type = kind == PipeKind::stream ? SOCK_STREAM : SOCK_SEQPACKET;
  int fds[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return fail(ErrorKind::system, "cannot make a pair of sockets: " + system_words(errno));
  }
  return FdPair{OwnedFd(fds[0]), OwnedFd(fds[1])};
}

std::unique_ptr<Pipe> make_pipe(Runtime& runtime, OwnedFd fd) {
  return std::make_unique<SocketPipe>(Loop::of(runtime), std::move(fd));
}

}  // namespace smtpdx::io
