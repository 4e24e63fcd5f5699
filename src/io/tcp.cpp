// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/real.hpp"
#include "io/socket.hpp"
#include "io/socket_stream.hpp"
#include "io/transport.hpp"

namespace smtpdx::io {
namespace {

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

class TcpConnector final : public Connector {
 public:
  TcpConnector(Loop& loop, std::shared_ptr<TlsClient> tls) : loop_(loop), tls_(std::move(tls)) {}

  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override {
    auto connected = co_await connect_tcp(loop_, request, deadline);
    if (!connected) co_return std::unexpected(connected.error());
    co_return std::make_unique<SocketStream>(*connected, tls_, request.to);
  }

 private:
  Loop& loop_;
  std::shared_ptr<TlsClient> tls_;
};

}  // namespace

Task<IoResult<WatchedPtr>> connect_tcp(Loop& loop, ConnectRequest request, Deadline deadline) {
  auto opened = open_socket(SOCK_STREAM, request.to.address, request.source);
  if (!opened) co_return std::unexpected(opened.error());
  const int fd = opened->get();
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const auto to = to_sockaddr(request.to);
  const int begun = ::connect(fd, to.get(), to.size) == 0 ? 0 : errno;
  if (begun != 0 && begun != EINPROGRESS) co_return std::unexpected(connect_failure(begun));
  auto watched = watch(loop, std::move(*opened));
  if (!watched || begun == 0) co_return watched;
  const auto woken = co_await (*watched)->wait(Side::write, deadline);
  if (woken != Woken::ready) co_return std::unexpected(failure_of(woken));
  const int error = (*watched)->failed() ? socket_error(fd) : 0;
  if (error != 0) co_return std::unexpected(io_failure(error));
  co_return watched;
}

std::unique_ptr<Connector> make_tcp_connector(Runtime& runtime, std::shared_ptr<TlsClient> tls) {
  return std::make_unique<TcpConnector>(Loop::of(runtime), std::move(tls));
}

}  // namespace smtpdx::io
