// SPDX-License-Identifier: Apache-2.0
#pragma once

// TLS without sockets: OpenSSL between two memory buffers. Octets from the wire go in, octets for the wire come out;
// the stream above (io/tls_stream.hpp) carries them. So TLS runs over TCP, through a SOCKS tunnel or an ssh pipe alike,
// and every wait is a coroutine's.
//
// For this floor's .cpp files: drags OpenSSL in.

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "io/facts.hpp"
#include "io/listener.hpp"
#include "io/net.hpp"
#include "io/real.hpp"

namespace smtpdx::io {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

/// One side of one TLS connection.
class TlsSession {
 public:
  enum class Step { done, want_read, ended, failed };
  enum class Role { client, server };

  TlsSession(SslPtr ssl, Role role, std::string server_name);
  TlsSession(const TlsSession&) = delete;

  /// One turn of the handshake. After every call take_output() has what must go out, also when it failed (our alert).
  Step handshake();
  /// Decrypts into `into`; `size` is set when done. ended = close_notify.
  Step read(std::span<char> into, std::size_t& size);
  /// Encrypts all of `bytes`; the result is in take_output().
  Step write(std::string_view bytes);
  void shut_down();

  void feed(std::string_view received);
  std::string take_output();
  bool has_output() const;

  /// The library's words for the last failure, lower case.
  const std::string& error() const { return error_; }
  const std::string& alert() const { return alert_; }
  /// What the finished handshake showed.
  TlsFacts facts() const;

 private:
  static void on_info(const SSL* ssl, int where, int value);
  Step step_of(int result);
  void describe_peer(TlsFacts& facts) const;

  SslPtr ssl_;
  Role role_;
  std::string server_name_;
  std::string error_;
  std::string alert_;
};

/// Opaque in io/real.hpp.
class TlsClient {
 public:
  static Result<std::shared_ptr<TlsClient>> make(const TlsTrust& trust);
  Result<std::unique_ptr<TlsSession>> session(const TlsOptions& options) const;

 private:
  explicit TlsClient(SslCtxPtr context) : context_(std::move(context)) {}
  SslCtxPtr context_;
};

Result<std::unique_ptr<TlsSession>> make_server_session(const TlsServerOptions& options);

/// The facts of one certificate as it stands.
Certificate describe(X509* certificate);
/// RFC 6125 §6 (a name) or RFC 2818 §3.1 (an address): does `certificate` hold `name`?
bool certificate_has_name(X509* certificate, const std::string& name);
/// The oldest entry of OpenSSL's error queue, in its words, lower case; empties the queue.
std::string openssl_words();

}  // namespace smtpdx::io
