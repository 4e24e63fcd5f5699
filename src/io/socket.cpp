// SPDX-License-Identifier: Apache-2.0
#include "io/socket.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/text.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {

SockAddr to_sockaddr(const Endpoint& endpoint) {
  SockAddr out;
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v6()) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, bytes.data(), bytes.size());
    out.size = sizeof(sockaddr_in6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    std::memcpy(&v4->sin_addr, bytes.data(), bytes.size());
    out.size = sizeof(sockaddr_in);
  }
  return out;
}

Endpoint from_sockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    return {IpAddress::from_bytes({reinterpret_cast<const char*>(&v6->sin6_addr), 16}), ntohs(v6->sin6_port)};
  }
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    return {IpAddress::from_bytes({reinterpret_cast<const char*>(&v4->sin_addr), 4}), ntohs(v4->sin_port)};
  }
  return {};
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (fd < 0 || ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return from_sockaddr(storage);
}

namespace {

std::optional<IoFailure> bind_source(int fd, const IpAddress& source) {
#ifdef IP_BIND_ADDRESS_NO_PORT
  const int one = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);  // an optimisation; may be unknown
#endif
  const auto address = to_sockaddr({source, 0});
  if (::bind(fd, address.get(), address.size) == 0) return std::nullopt;
  return IoFailure{Failure::local, "source address " + source.to_string() + ": " + system_words(errno)};
}

}  // namespace

IoResult<OwnedFd> open_socket(int type, const IpAddress& to, std::optional<IpAddress> source) {
  if (source && source->is_v6() != to.is_v6()) {
    return std::unexpected(IoFailure{
        Failure::local, "source address " + source->to_string() + " is not of the same family as " + to.to_string()});
  }
  OwnedFd fd(::socket(to.is_v6() ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return std::unexpected(IoFailure{Failure::local, system_words(errno)});
  if (source) {
    if (auto failure = bind_source(fd.get(), *source)) return std::unexpected(std::move(*failure));
  }
  return fd;
}

IoResult<WatchedPtr> watch(Loop& loop, OwnedFd fd) {
  WatchedPtr watched(new Watched(loop, fd.release()));
  if (watched->closed()) return std::unexpected(IoFailure{Failure::local, system_words(errno)});
  return watched;
}

std::array<char, 65536>& datagram_buffer() {
  static thread_local std::array<char, 65536> buffer;
  return buffer;
}

std::string system_words(int error) { return to_lower(std::system_category().message(error)); }

IoFailure io_failure(int error) {
  const auto kind = [error] {
    switch (error) {
      case ECONNREFUSED:
        return Failure::refused;
      case ETIMEDOUT:
        return Failure::timed_out;
      case ECONNRESET:
      case ECONNABORTED:
      case EPIPE:
        return Failure::reset;
      case ENETUNREACH:
      case EHOSTUNREACH:
      case ENETDOWN:
      case EHOSTDOWN:
      case ENONET:
      case ENOPROTOOPT:
      case EPROTO:
        return Failure::unreachable;  // what Linux makes of ICMP unreachables (ip(7), icmp_err_convert)
      default:
        return Failure::local;
    }
  }();
  return {kind, system_words(error)};
}

IoFailure connect_failure(int error) {
  if (error == ENETUNREACH || error == EHOSTUNREACH) {
    return {Failure::unreachable, "no route from here (" + system_words(error) + ")"};
  }
  return io_failure(error);
}

IoFailure failure_of(Woken woken) {
  if (woken == Woken::timed_out) return {Failure::timed_out, "no answer within the time limit"};
  return {Failure::closed, "the connection was closed here"};
}

}  // namespace smtpdx::io
