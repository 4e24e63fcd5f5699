// SPDX-License-Identifier: Apache-2.0

// Why it is set up this way:
//
// Verification never ends a handshake (RFC 7435): SSL_VERIFY_NONE still makes OpenSSL check the chain and keep the
// first error; that becomes TlsFacts. Names are compared afterwards with X509_check_host, because a wrong name and an
// untrusted chain are two findings.
//
// TLS 1.0 and 1.1 need security level 0 in OpenSSL 3 (their signatures are SHA-1); what a server still speaks is a fact
// to be found out, not a risk to be avoided: a probe carries no secret before the caller has read the facts. When only
// TLS 1.2 and newer are asked for, level 1 applies and the lists of old suites stay out of the hello.
//
// No resumption: each handshake shows the certificate anew. Session tickets (TLS 1.3 sends them after the handshake)
// are swallowed by the next SSL_read; nobody waits for them.

#include "io/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cassert>
#include <system_error>

#include "base/text.hpp"
#include "io/server_cert_impl.hpp"
#include "io/socket.hpp"
#include "io/tls_roots.hpp"

namespace smtpdx::io {
namespace {

int wire_version(TlsVersion version) {
  switch (version) {
    case TlsVersion::unknown:
      return 0;
    case TlsVersion::tls1_0:
      return TLS1_VERSION;
    case TlsVersion::tls1_1:
      return TLS1_1_VERSION;
    case TlsVersion::tls1_2:
      return TLS1_2_VERSION;
    case TlsVersion::tls1_3:
      return TLS1_3_VERSION;
  }
  return 0;
}

TlsVersion version_of(const SSL* ssl) {
  switch (SSL_version(ssl)) {
    case TLS1_VERSION:
      return TlsVersion::tls1_0;
    case TLS1_1_VERSION:
      return TlsVersion::tls1_1;
    case TLS1_2_VERSION:
      return TlsVersion::tls1_2;
    case TLS1_3_VERSION:
      return TlsVersion::tls1_3;
    default:
      return TlsVersion::unknown;
  }
}

void bound_versions(SSL* ssl, TlsVersion min, TlsVersion max) {
  SSL_set_min_proto_version(ssl, wire_version(min));
  SSL_set_max_proto_version(ssl, wire_version(max));
  const bool old = min == TlsVersion::tls1_0 || min == TlsVersion::tls1_1 || min == TlsVersion::unknown;
  SSL_set_security_level(ssl, old ? 0 : 1);
}

SslCtxPtr make_context(const SSL_METHOD* method) {
  SslCtxPtr context(SSL_CTX_new(method));
  assert(context);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // The level belongs to each session (bound_versions); the list must not remove what level 0 allows.
  SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");
  return context;
}

std::string to_lower_words(const char* words) { return words ? to_lower(words) : std::string(); }

}  // namespace

std::string openssl_words() {
  const auto code = ERR_get_error();
  if (code == 0) return {};
  const char* reason = ERR_reason_error_string(code);
  std::string words = reason ? to_lower_words(reason) : "openssl error " + std::to_string(code);
  if (ERR_SYSTEM_ERROR(code)) words = system_words(static_cast<int>(ERR_GET_REASON(code)));
  ERR_clear_error();
  return words;
}

TlsSession::TlsSession(SslPtr ssl, Role role, std::string server_name)
    : ssl_(std::move(ssl)), role_(role), server_name_(std::move(server_name)) {
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_info_callback(ssl_.get(), &TlsSession::on_info);
  if (role_ == Role::client) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

void TlsSession::on_info(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT) return;
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if ((value & 0xff) != SSL_AD_CLOSE_NOTIFY) self->alert_ = to_lower_words(SSL_alert_desc_string_long(value));
}

TlsSession::Step TlsSession::step_of(int result) {
  if (result > 0) return Step::done;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Step::want_read;  // memory buffers never want to write
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    default:
      error_ = openssl_words();
      if (error_.empty()) error_ = "tls broke off without an error code";
      return Step::failed;
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  return step_of(SSL_do_handshake(ssl_.get()));
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& size) {
  ERR_clear_error();
  return step_of(SSL_read_ex(ssl_.get(), into.data(), into.size(), &size));
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  if (bytes.empty()) return Step::done;
  const auto step = step_of(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
  assert(step != Step::done || written == bytes.size());
  return step;
}

void TlsSession::shut_down() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) && error_.empty()) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsSession::feed(std::string_view received) {
  const int n = BIO_write(SSL_get_rbio(ssl_.get()), received.data(), static_cast<int>(received.size()));
  assert(n == static_cast<int>(received.size()));
  (void)n;
}

bool TlsSession::has_output() const { return BIO_ctrl_pending(SSL_get_wbio(ssl_.get())) > 0; }

std::string TlsSession::take_output() {
  std::string out(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
  if (!out.empty()) BIO_read(SSL_get_wbio(ssl_.get()), out.data(), static_cast<int>(out.size()));
  return out;
}

TlsFacts TlsSession::facts() const {
  TlsFacts facts;
  facts.alert = alert_;
  facts.established = SSL_is_init_finished(ssl_.get()) != 0 && error_.empty();
  if (!facts.established) {
    facts.error = error_;
    if (!error_.empty()) facts.failure = Failure::tls;
  } else {
    facts.version = version_of(ssl_.get());
    facts.cipher = SSL_get_cipher_name(ssl_.get());
  }
  if (role_ == Role::client) describe_peer(facts);
  return facts;
}

void TlsSession::describe_peer(TlsFacts& facts) const {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) facts.chain.push_back(describe(sk_X509_value(chain, i)));
  if (facts.chain.empty()) return;
  const long verdict = SSL_get_verify_result(ssl_.get());
  facts.chain_trusted = verdict == X509_V_OK && facts.established;
  if (verdict != X509_V_OK) facts.verify_error = to_lower_words(X509_verify_cert_error_string(verdict));
  facts.name_matches = !server_name_.empty() && certificate_has_name(sk_X509_value(chain, 0), server_name_);
}

Result<std::shared_ptr<TlsClient>> TlsClient::make(const TlsTrust& trust) {
  auto context = make_context(TLS_client_method());
  trust.read_now ? read_system_roots(context.get()) : add_system_roots(context.get());
  for (const auto& file : trust.ca_files) {
    if (SSL_CTX_load_verify_file(context.get(), file.c_str()) == 1) continue;
    return fail(ErrorKind::unreadable, "cannot read certificates from " + file + ": " + openssl_words(),
                "--ca wants a PEM file with at least one certificate");
  }
  if (trust.now) {
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context.get()), std::chrono::system_clock::to_time_t(*trust.now));
  }
  return std::shared_ptr<TlsClient>(new TlsClient(std::move(context)));
}

Result<std::unique_ptr<TlsSession>> TlsClient::session(const TlsOptions& options) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl) return fail(ErrorKind::system, openssl_words());
  bound_versions(ssl.get(), options.min_version, options.max_version);
  const auto name = canonical_name(options.server_name);
  // RFC 6066 §3: literal addresses are not permitted in server_name.
  if (!name.empty() && !IpAddress::parse(name)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  return std::make_unique<TlsSession>(std::move(ssl), TlsSession::Role::client, name);
}

Result<std::unique_ptr<TlsSession>> make_server_session(const TlsServerOptions& options) {
  assert(options.certificate);
  auto context = make_context(TLS_server_method());
  const auto& cert = *options.certificate;
  bool ok = SSL_CTX_use_certificate(context.get(), cert.certificate.get()) == 1 &&
            SSL_CTX_use_PrivateKey(context.get(), cert.key.get()) == 1;
  for (const auto& above : cert.sent_after) ok = ok && SSL_CTX_add1_chain_cert(context.get(), above.get()) == 1;
  SslPtr ssl(ok ? SSL_new(context.get()) : nullptr);
  if (!ssl) return fail(ErrorKind::system, openssl_words());
  bound_versions(ssl.get(), options.min_version, options.max_version);
  return std::make_unique<TlsSession>(std::move(ssl), TlsSession::Role::server, "");
}

Result<std::shared_ptr<TlsClient>> make_tls_client(TlsTrust trust) { return TlsClient::make(trust); }

}  // namespace smtpdx::io
