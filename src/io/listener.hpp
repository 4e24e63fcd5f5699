// SPDX-License-Identifier: Apache-2.0
#pragma once

// The server side, just enough to mock a small internet: TCP and UDP listeners and TLS in the server's role.
//
// Nothing here is hardened for the open Internet: no limits per peer, no rate control. `mock` and `receive` listen
// where the user told them to.

#include <memory>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"
#include "io/server_cert.hpp"

namespace smtpdx::io {

struct TlsServerOptions {
  ServerCertPtr certificate;  ///< required
  TlsVersion min_version = TlsVersion::tls1_0;
  TlsVersion max_version = TlsVersion::tls1_3;
};

class ServerStream : public Stream {
 public:
  /// Server handshake in place. `TlsFacts::chain` stays empty: no client certificate is asked for.
  virtual Task<TlsFacts> start_tls_server(TlsServerOptions options, Deadline deadline) = 0;
  /// Sends RST instead of an orderly end (SO_LINGER 0).
  virtual void reset() = 0;
};

/// Must die before its Runtime. Accepted streams do not depend on it.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual Endpoint local() const = 0;
  /// The next connection. Several coroutines may wait. closed = close() was called.
  virtual Task<IoResult<std::unique_ptr<ServerStream>>> accept(Deadline deadline) = 0;
  /// Ends all waits; further connections are refused.
  virtual void close() = 0;
};
/// Port 0 takes a free one; local() tells. Fails with ErrorKind::system.
Result<std::unique_ptr<Listener>> listen_tcp(Runtime& runtime, Endpoint at);

struct Datagram {
  Endpoint from;
  std::string bytes;
};

class UdpListener {
 public:
  virtual ~UdpListener() = default;
  virtual Endpoint local() const = 0;
  virtual Task<IoResult<Datagram>> receive(Deadline deadline) = 0;
  /// Best effort, no wait: a full send buffer loses it, as UDP may.
  virtual void send(const Endpoint& to, std::string_view bytes) = 0;
  virtual void close() = 0;
};
Result<std::unique_ptr<UdpListener>> listen_udp(Runtime& runtime, Endpoint at);

}  // namespace smtpdx::io
