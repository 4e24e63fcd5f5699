// SPDX-License-Identifier: Apache-2.0
#pragma once

// Connections and datagrams one step below io/net.hpp and io/datagram.hpp, for those who open a socket in one process
// and use it in another (io/door.hpp). For this floor's .cpp files.

#include "io/datagram.hpp"
#include "io/net.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {

/// A connected TCP socket with TCP_NODELAY, in the loop.
Task<IoResult<WatchedPtr>> connect_tcp(Loop& loop, ConnectRequest request, Deadline deadline);

/// A UDP socket connected to `to`, so that the kernel drops what others send and hands us ICMP errors; from a fresh
/// port (RFC 5452 §9.2). Not in the loop.
IoResult<OwnedFd> connect_udp(const Endpoint& to, std::optional<IpAddress> source);

/// Sends and waits as Datagrams::exchange() does, on such a socket.
Task<IoResult<std::string>> exchange_on(Loop& loop, OwnedFd socket, DatagramRequest request, Deadline deadline);

}  // namespace smtpdx::io
