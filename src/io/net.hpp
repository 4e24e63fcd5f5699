// SPDX-License-Identifier: Apache-2.0
#pragma once

// The door to the network: a Connector makes Streams; a Stream carries octets and can be turned into TLS in place.
// Real ones are in io/tcp.cpp (see io/real.hpp), decorated by connect_to, proxies and manners; scripted and simulated
// ones in mock/ and sim/.

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "io/facts.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

struct TlsOptions {
  std::string server_name = {};  ///< SNI and the name to compare; empty sends none
  TlsVersion min_version = TlsVersion::tls1_0;
  TlsVersion max_version = TlsVersion::tls1_3;
};

/// An open connection. One read and one write at a time. Every wait ends by its deadline. Destroying it closes it.
class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one octet, or a failure; an orderly end is Failure::closed.
  virtual Task<IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) = 0;
  /// All of it, or a failure. `bytes` must live until the task ends.
  virtual Task<IoResult<std::size_t>> write_all(std::string_view bytes, Deadline deadline) = 0;
  /// Client handshake in place. The caller has made sure that nothing received is left unread (RFC 3207 §4.2).
  virtual Task<TlsFacts> start_tls(TlsOptions options, Deadline deadline) = 0;
  virtual bool is_tls() const = 0;
  /// Our end; 0.0.0.0:0 where there is none (ssh) or where it was never asked for before close().
  virtual Endpoint local() const = 0;
  virtual Endpoint peer() const = 0;
  /// Best effort, no wait; further reads and writes fail with closed.
  virtual void close() = 0;
};

struct ConnectRequest {
  Endpoint to = {};
  std::string host = {};                 ///< the name it came from, for --connect-to and proxies; may be empty
  std::optional<IpAddress> source = {};  ///< --source
};

class Connector {
 public:
  virtual ~Connector() = default;
  virtual Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) = 0;
};

}  // namespace smtpdx::io
