// SPDX-License-Identifier: Apache-2.0
#include "io/datagram.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/asio_watch.hpp"
#include "io/real.hpp"
#include "io/socket.hpp"

namespace smtpdx::io {
namespace {

/// Closes on every way out, also when the waiting coroutine is destroyed.
struct Closing {
  WatchedPtr watched;
  ~Closing() { watched->close(); }
};

class UdpDatagrams final : public Datagrams {
 public:
  explicit UdpDatagrams(AsioRuntime& runtime) : runtime_(runtime) {}

  Task<IoResult<std::string>> exchange(DatagramRequest request, Deadline deadline) override {
    auto opened = open_socket(runtime_, SOCK_DGRAM, request.to.address, request.source);
    if (!opened) co_return std::unexpected(opened.error());
    Closing socket{*opened};
    const int fd = socket.watched->fd();
    // Connected, so that the kernel drops what others send and hands us ICMP errors.
    const auto to = to_sockaddr(request.to);
    if (::connect(fd, to.get(), to.size) != 0) co_return std::unexpected(connect_failure(errno));
    if (::send(fd, request.payload.data(), request.payload.size(), MSG_NOSIGNAL) < 0) {
      co_return std::unexpected(io_failure(errno));
    }
    for (;;) {
      const auto woken = co_await socket.watched->wait(Side::read, deadline);
      if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
      for (;;) {
        auto& answer = datagram_buffer();
        const auto n = ::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n < 0) co_return std::unexpected(io_failure(errno));
        const std::string_view seen(answer.data(), static_cast<std::size_t>(n));
        if (!request.accept || request.accept(seen)) co_return std::string(seen);
      }
    }
  }

 private:
  AsioRuntime& runtime_;
};

class FdReadiness final : public Readiness {
 public:
  FdReadiness(AsioRuntime& runtime, int fd) : watched_(new Watched(runtime, fd, Owner::foreign)) {}
  ~FdReadiness() override { watched_->close(); }

  Task<bool> wait_readable(Deadline deadline) override {
    const auto watched = watched_;
    const auto woken = co_await watched->wait(Side::read, deadline);
    co_return woken == Woken::ready;
  }

 private:
  WatchedPtr watched_;
};

}  // namespace

std::unique_ptr<Datagrams> make_datagrams(Runtime& runtime) {
  return std::make_unique<UdpDatagrams>(AsioRuntime::of(runtime));
}

std::unique_ptr<Readiness> make_readiness(Runtime& runtime, int fd) {
  return std::make_unique<FdReadiness>(AsioRuntime::of(runtime), fd);
}

}  // namespace smtpdx::io
