// SPDX-License-Identifier: Apache-2.0
#pragma once

// The real world behind io/runtime.hpp, io/net.hpp and io/datagram.hpp: epoll (io/loop.hpp) and OpenSSL. Neither shows
// in this header. All that is made here belongs to one Runtime, is used on its thread only and must die before it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/datagram.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"

namespace smtpdx::io {

/// `fixed_wall` is --now: what wall() then says for ever. now() always runs.
std::unique_ptr<Runtime> make_runtime(std::optional<WallTime> fixed_wall = std::nullopt);

struct TlsTrust {
  std::vector<std::string> ca_files = {};  ///< --ca: PEM files, added to the system's roots
  std::optional<WallTime> now = {};        ///< --now: the time certificates are judged at
  /// The system's roots are read now (some milliseconds), for a process that can open no file later.
  bool read_now = false;
};

/// Trust store and settings shared by all TLS sessions of a run. System roots are looked up one by one when needed.
class TlsClient;
/// Fails with ErrorKind::unreadable where a file of `trust` cannot be read or holds no certificate.
Result<std::shared_ptr<TlsClient>> make_tls_client(TlsTrust trust);

/// Streams over TCP. Failures of ConnectRequest: see Failure; a source address of the other family is Failure::local.
std::unique_ptr<Connector> make_tcp_connector(Runtime& runtime, std::shared_ptr<TlsClient> tls);

std::unique_ptr<Datagrams> make_datagrams(Runtime& runtime);

/// `fd` stays the owner's: it is neither closed nor changed. It must stay open until the object is gone.
std::unique_ptr<Readiness> make_readiness(Runtime& runtime, int fd);

}  // namespace smtpdx::io
