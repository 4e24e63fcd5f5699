// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/asio_watch.hpp"
#include "io/real.hpp"
#include "io/socket.hpp"
#include "io/socket_stream.hpp"

namespace smtpdx::io {
namespace {

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

class TcpConnector final : public Connector {
 public:
  TcpConnector(AsioRuntime& runtime, std::shared_ptr<TlsClient> tls) : runtime_(runtime), tls_(std::move(tls)) {}

  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override {
    auto opened = open_socket(runtime_, SOCK_STREAM, request.to.address, request.source);
    if (!opened) co_return std::unexpected(opened.error());
    const auto watched = *opened;
    const int fd = watched->fd();
    auto stream = std::make_unique<SocketStream>(watched, tls_, request.to);  // closes on every way out
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const auto to = to_sockaddr(request.to);
    const int begun = ::connect(fd, to.get(), to.size) == 0 ? 0 : errno;
    if (begun != 0 && begun != EINPROGRESS) co_return std::unexpected(connect_failure(begun));
    if (begun == EINPROGRESS) {
      const auto woken = co_await watched->wait(Side::write, deadline);
      if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
      if (const int error = socket_error(fd)) co_return std::unexpected(io_failure(error));
    }
    co_return stream;
  }

 private:
  AsioRuntime& runtime_;
  std::shared_ptr<TlsClient> tls_;
};

}  // namespace

std::unique_ptr<Connector> make_tcp_connector(Runtime& runtime, std::shared_ptr<TlsClient> tls) {
  return std::make_unique<TcpConnector>(AsioRuntime::of(runtime), std::move(tls));
}

}  // namespace smtpdx::io
