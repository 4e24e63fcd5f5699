// SPDX-License-Identifier: Apache-2.0
#include "io/datagram.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>

#include "io/real.hpp"
#include "io/socket.hpp"
#include "io/transport.hpp"

namespace smtpdx::io {
namespace {

/// Closes on every way out, also when the waiting coroutine is destroyed.
struct Closing {
  WatchedPtr watched;
  ~Closing() { watched->close(); }
};

class UdpDatagrams final : public Datagrams {
 public:
  explicit UdpDatagrams(Loop& loop) : loop_(loop) {}

  Task<IoResult<std::string>> exchange(DatagramRequest request, Deadline deadline) override {
    auto opened = connect_udp(request.to, request.source);
    if (!opened) co_return std::unexpected(opened.error());
    co_return co_await exchange_on(loop_, std::move(*opened), std::move(request), deadline);
  }

 private:
  Loop& loop_;
};

/// Watches a copy of the descriptor: the owner may close its own at any time, and several objects may watch the same.
class FdReadiness final : public Readiness {
 public:
  FdReadiness(Loop& loop, int fd)
      : copy_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)), watched_(new Watched(loop, copy_.get(), Owner::foreign)) {
    assert(!watched_->closed());
  }
  ~FdReadiness() override { watched_->close(); }

  Task<bool> wait_readable(Deadline deadline) override {
    const auto watched = watched_;
    pollfd now{watched->fd(), POLLIN, 0};
    if (watched->closed() || ::poll(&now, 1, 0) > 0) co_return !watched->closed();
    const auto woken = co_await watched->wait(Side::read, deadline);
    co_return woken == Woken::ready;
  }

 private:
  OwnedFd copy_;
  WatchedPtr watched_;
};

}  // namespace

IoResult<OwnedFd> connect_udp(const Endpoint& endpoint, std::optional<IpAddress> source) {
  auto opened = open_socket(SOCK_DGRAM, endpoint.address, source);
  if (!opened) return opened;
  const auto to = to_sockaddr(endpoint);
  if (::connect(opened->get(), to.get(), to.size) != 0) return std::unexpected(connect_failure(errno));
  return opened;
}

Task<IoResult<std::string>> exchange_on(Loop& loop, OwnedFd fd, DatagramRequest request, Deadline deadline) {
  auto watched = watch(loop, std::move(fd));
  if (!watched) co_return std::unexpected(watched.error());
  Closing socket{*watched};
  const int number = socket.watched->fd();
  if (::send(number, request.payload.data(), request.payload.size(), MSG_NOSIGNAL) < 0) {
    co_return std::unexpected(io_failure(errno));
  }
  for (;;) {
    const auto woken = co_await socket.watched->wait(Side::read, deadline);
    if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
    for (;;) {
      auto& answer = datagram_buffer();
      const auto n = ::recv(number, answer.data(), answer.size(), MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (n < 0) co_return std::unexpected(io_failure(errno));
      const std::string_view seen(answer.data(), static_cast<std::size_t>(n));
      if (!request.accept || request.accept(seen)) co_return std::string(seen);
    }
  }
}

std::unique_ptr<Datagrams> make_datagrams(Runtime& runtime) {
  return std::make_unique<UdpDatagrams>(Loop::of(runtime));
}

std::unique_ptr<Readiness> make_readiness(Runtime& runtime, int fd) {
  return std::make_unique<FdReadiness>(Loop::of(runtime), fd);
}

}  // namespace smtpdx::io
