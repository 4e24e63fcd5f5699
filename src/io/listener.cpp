// SPDX-License-Identifier: Apache-2.0
#include "io/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/socket.hpp"
#include "io/socket_stream.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {
namespace {

constexpr int backlog = 4096;

class TcpListener final : public Listener {
 public:
  TcpListener(Loop& loop, WatchedPtr watched)
      : loop_(loop), local_(local_endpoint(watched->fd())), watched_(std::move(watched)) {}
  ~TcpListener() override { close(); }

  Endpoint local() const override { return local_; }

  Task<IoResult<std::unique_ptr<ServerStream>>> accept(Deadline deadline) override {
    const auto watched = watched_;
    auto& loop = loop_;
    for (;;) {
      if (watched->closed()) co_return std::unexpected(failure_of(Woken::closed));
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const int fd = ::accept4(watched->fd(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        const int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        auto accepted = watch(loop, OwnedFd(fd));
        if (!accepted) co_return std::unexpected(accepted.error());
        co_return std::make_unique<SocketStream>(*accepted, nullptr, from_sockaddr(from));
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) co_return std::unexpected(io_failure(errno));
      const auto woken = co_await watched->wait(Side::read, deadline);
      if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
    }
  }

  void close() override { watched_->close(); }

 private:
  Loop& loop_;
  Endpoint local_;
  WatchedPtr watched_;
};

class SocketUdpListener final : public UdpListener {
 public:
  explicit SocketUdpListener(WatchedPtr watched)
      : local_(local_endpoint(watched->fd())), watched_(std::move(watched)) {}
  ~SocketUdpListener() override { close(); }

  Endpoint local() const override { return local_; }

  Task<IoResult<Datagram>> receive(Deadline deadline) override {
    const auto watched = watched_;
    for (;;) {
      if (watched->closed()) co_return std::unexpected(failure_of(Woken::closed));
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      auto& bytes = datagram_buffer();
      const auto n = ::recvfrom(watched->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                reinterpret_cast<sockaddr*>(&from), &size);
      if (n >= 0) co_return Datagram{from_sockaddr(from), std::string(bytes.data(), static_cast<std::size_t>(n))};
      if (errno == EINTR || errno == ECONNREFUSED) continue;  // an earlier answer of ours found nobody
      if (errno != EAGAIN && errno != EWOULDBLOCK) co_return std::unexpected(io_failure(errno));
      const auto woken = co_await watched->wait(Side::read, deadline);
      if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
    }
  }

  void send(const Endpoint& to, std::string_view bytes) override {
    if (watched_->closed()) return;
    const auto address = to_sockaddr(to);
    ::sendto(watched_->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address.get(), address.size);
  }

  void close() override { watched_->close(); }

 private:
  Endpoint local_;
  WatchedPtr watched_;
};

/// A bound socket. Options before the bind: SO_REUSEADDR, so that a restart does not wait for old connections; V6ONLY,
/// so that "::" and "0.0.0.0" can be listened on side by side.
Result<WatchedPtr> bound_socket(Loop& loop, int type, const Endpoint& at) {
  const auto cannot = "cannot listen on " + at.to_string() + ": ";
  auto opened = open_socket(type, at.address, std::nullopt);
  if (!opened) return fail(ErrorKind::system, cannot + opened.error().text);
  const int fd = opened->get();
  const int one = 1;
  if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (at.address.is_v6()) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const auto address = to_sockaddr(at);
  const bool ok = ::bind(fd, address.get(), address.size) == 0 && (type != SOCK_STREAM || ::listen(fd, backlog) == 0);
  if (!ok) {
    const int error = errno;
    return fail(ErrorKind::system, cannot + system_words(error),
                error == EACCES ? "ports below 1024 need a privilege: choose a higher one" : "");
  }
  auto watched = watch(loop, std::move(*opened));
  if (!watched) return fail(ErrorKind::system, cannot + watched.error().text);
  return *watched;
}

}  // namespace

Result<std::unique_ptr<Listener>> listen_tcp(Runtime& runtime, Endpoint at) {
  auto& loop = Loop::of(runtime);
  auto bound = bound_socket(loop, SOCK_STREAM, at);
  if (!bound) return std::unexpected(bound.error());
  return std::make_unique<TcpListener>(loop, *bound);
}

Result<std::unique_ptr<UdpListener>> listen_udp(Runtime& runtime, Endpoint at) {
  auto bound = bound_socket(Loop::of(runtime), SOCK_DGRAM, at);
  if (!bound) return std::unexpected(bound.error());
  return std::make_unique<SocketUdpListener>(*bound);
}

}  // namespace smtpdx::io
