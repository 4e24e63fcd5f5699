// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/ip.hpp"
#include "io/net.hpp"

namespace smtpdx::io {

struct Socks5Proxy {
  Endpoint at;
  std::string user;  ///< RFC 1929; empty = no authentication offered
  std::string password;
};

/// Connects through a SOCKS version 5 proxy (RFC 1928, CONNECT). `inner` must outlive it.
///
/// Asks for the address of the request; for its name where the address is 0.0.0.0 or :: (resolved at the proxy, then).
/// Whatever keeps the proxy from connecting is Failure::proxy with its words: a proxy's "connection refused" is
/// hearsay, never the same as a RST that we saw. Peer of the stream is the far host; local() is our end towards the
/// proxy.
class Socks5Connector final : public Connector {
 public:
  Socks5Connector(Connector& inner, Socks5Proxy proxy) : inner_(inner), proxy_(std::move(proxy)) {}
  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override;

 private:
  Connector& inner_;
  Socks5Proxy proxy_;
};

}  // namespace smtpdx::io
