// SPDX-License-Identifier: Apache-2.0
#pragma once

// Streams over a descriptor. For this floor's .cpp files.

#include <memory>
#include <optional>

#include "io/tls_stream.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {

class SocketStream final : public TlsStream {
 public:
  enum class Kind { tcp, pipe };
  /// Takes the connected socket over, already in the loop.
  SocketStream(WatchedPtr watched, std::shared_ptr<TlsClient> client, Endpoint peer, Kind kind = Kind::tcp);
  ~SocketStream() override { TlsStream::close(); }

  Endpoint local() const override;
  Endpoint peer() const override { return peer_; }
  void reset() override;

 protected:
  Task<IoResult<std::size_t>> raw_read(std::span<char> into, Deadline deadline) override;
  Task<IoResult<std::size_t>> raw_write(std::string_view bytes, Deadline deadline) override;
  void raw_write_now(std::string_view bytes) override;
  void raw_discard() override;
  void raw_close() override;

 private:
  WatchedPtr watched_;
  Endpoint peer_;
  mutable std::optional<Endpoint> local_;
  Kind kind_;
  bool spoke_last_ = true;  ///< whether we wrote since the last read
};

}  // namespace smtpdx::io
