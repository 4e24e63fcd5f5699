// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "io/listener.hpp"
#include "io/real.hpp"

namespace smtpdx::io {

class TlsSession;

/// A Stream over anything that carries raw octets, with TLS on request. Without TLS it costs nothing: the calls go
/// straight to raw_read and raw_write. For this floor's .cpp files.
class TlsStream : public ServerStream {
 public:
  /// `client` may be null where start_tls is never called (a listener's streams).
  explicit TlsStream(std::shared_ptr<TlsClient> client);
  ~TlsStream() override;

  Task<IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) final;
  Task<IoResult<std::size_t>> write_all(std::string_view bytes, Deadline deadline) final;
  Task<TlsFacts> start_tls(TlsOptions options, Deadline deadline) final;
  Task<TlsFacts> start_tls_server(TlsServerOptions options, Deadline deadline) final;
  bool is_tls() const final { return tls_ != nullptr; }
  void close() final;

 protected:
  virtual Task<IoResult<std::size_t>> raw_read(std::span<char> into, Deadline deadline) = 0;
  virtual Task<IoResult<std::size_t>> raw_write(std::string_view bytes, Deadline deadline) = 0;
  /// What fits into the send buffer now; the rest is lost (close_notify).
  virtual void raw_write_now(std::string_view bytes) = 0;
  /// Throws away what has arrived: closing with unread octets makes the kernel send RST, which can overtake our last
  /// words.
  virtual void raw_discard() = 0;
  virtual void raw_close() = 0;

 private:
  Task<TlsFacts> handshake(std::unique_ptr<TlsSession> session, Deadline deadline);
  Task<IoResult<std::size_t>> flush(Deadline deadline);
  Task<IoResult<std::size_t>> receive(Deadline deadline);
  Task<IoResult<std::size_t>> tls_read(std::span<char> into, Deadline deadline);
  Task<IoResult<std::size_t>> tls_write(std::string_view bytes, Deadline deadline);

  std::shared_ptr<TlsClient> client_;
  std::unique_ptr<TlsSession> tls_;
  std::unique_ptr<char[]> buffer_;  ///< ciphertext on its way in
};

}  // namespace smtpdx::io
