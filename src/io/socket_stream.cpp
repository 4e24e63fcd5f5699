// SPDX-License-Identifier: Apache-2.0
#include "io/socket_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/socket.hpp"

namespace smtpdx::io {

SocketStream::SocketStream(WatchedPtr watched, std::shared_ptr<TlsClient> client, Endpoint peer, Kind kind)
    : TlsStream(std::move(client)), watched_(std::move(watched)), peer_(peer), kind_(kind) {}

Endpoint SocketStream::local() const {
  if (!local_) local_ = local_endpoint(watched_->fd());
  return *local_;
}

Task<IoResult<std::size_t>> SocketStream::raw_read(std::span<char> into, Deadline deadline) {
  const auto watched = watched_;  // the stream may be closed and gone while we wait
  // Reading again without having spoken means that an answer came in pieces. A sender without TCP_NODELAY holds the
  // next small piece until the first is acknowledged (RFC 896), and the kernel holds that acknowledgement for 40 ms.
  const bool in_pieces = kind_ == Kind::tcp && !spoke_last_;
  spoke_last_ = false;
  for (;;) {
    if (watched->closed()) co_return std::unexpected(failure_of(Woken::closed));
    if (watched->maybe_readable()) {
      const auto n = ::recv(watched->fd(), into.data(), into.size(), MSG_DONTWAIT);
      if (n > 0) {
        if (static_cast<std::size_t>(n) < into.size()) watched->drained();
        co_return static_cast<std::size_t>(n);
      }
      if (n == 0) co_return std::unexpected(IoFailure{Failure::closed, "the other side closed the connection"});
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) co_return std::unexpected(io_failure(errno));
      watched->nothing_there();
    }
    const int one = 1;
    if (in_pieces) ::setsockopt(watched->fd(), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    const auto woken = co_await watched->wait(Side::read, deadline);
    if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
  }
}

Task<IoResult<std::size_t>> SocketStream::raw_write(std::string_view bytes, Deadline deadline) {
  const auto watched = watched_;
  spoke_last_ = true;
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (watched->closed()) co_return std::unexpected(failure_of(Woken::closed));
    const auto n = ::send(watched->fd(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const auto woken = co_await watched->wait(Side::write, deadline);
      if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
    } else if (errno != EINTR) {
      co_return std::unexpected(io_failure(errno));
    }
  }
  co_return done;
}

void SocketStream::raw_write_now(std::string_view bytes) {
  if (!watched_->closed()) ::send(watched_->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void SocketStream::raw_discard() {
  // MSG_TRUNC: TCP drops the octets without copying them (tcp(7)).
  if (kind_ == Kind::tcp && !watched_->closed()) ::recv(watched_->fd(), nullptr, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);
}

void SocketStream::raw_close() { watched_->close(); }

void SocketStream::reset() {
  const linger now{1, 0};
  if (!watched_->closed()) ::setsockopt(watched_->fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  watched_->close();
}

}  // namespace smtpdx::io
