// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sockets by hand, with errors in our words. For this floor's .cpp files.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <optional>

#include "base/ip.hpp"
#include "io/facts.hpp"
#include "io/fd.hpp"

namespace smtpdx::io {

enum class Woken;
class Loop;
class Watched;

struct SockAddr {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SockAddr to_sockaddr(const Endpoint& endpoint);
Endpoint from_sockaddr(const sockaddr_storage& storage);
/// 0.0.0.0:0 where the descriptor has no such address.
Endpoint local_endpoint(int fd);

/// A non-blocking socket of the family of `to` (SOCK_STREAM or SOCK_DGRAM), bound to `source` if given. The port is
/// chosen at connect (IP_BIND_ADDRESS_NO_PORT), so that one source address does not run out of ports early.
IoResult<OwnedFd> open_socket(int type, const IpAddress& to, std::optional<IpAddress> source);

/// Puts it into the loop.
IoResult<boost::intrusive_ptr<Watched>> watch(Loop& loop, OwnedFd fd);

/// Room for the largest datagram, one a thread: to be copied from before the next wait.
std::array<char, 65536>& datagram_buffer();

std::string system_words(int error);  ///< strerror, lower case
/// What an errno from an open connection (or from the network while connecting) means.
IoFailure io_failure(int error);
/// The same for what connect() itself returns at once: there "network is unreachable" is our own routing table's word.
IoFailure connect_failure(int error);
/// timed_out or closed.
IoFailure failure_of(Woken woken);

}  // namespace smtpdx::io
