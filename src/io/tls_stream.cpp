// SPDX-License-Identifier: Apache-2.0
#include "io/tls_stream.hpp"

#include <cassert>

#include "io/tls.hpp"

namespace smtpdx::io {
namespace {

constexpr std::size_t buffer_size = 16 * 1024;
constexpr std::size_t record_size = 16 * 1024;  // RFC 8446 §5.1

TlsFacts not_established(IoFailure failure) {
  TlsFacts facts;
  facts.failure = failure.kind;
  facts.error = std::move(failure.text);
  return facts;
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<TlsClient> client) : client_(std::move(client)) {}
TlsStream::~TlsStream() = default;

Task<IoResult<std::size_t>> TlsStream::read_some(std::span<char> into, Deadline deadline) {
  return tls_ ? tls_read(into, deadline) : raw_read(into, deadline);
}

Task<IoResult<std::size_t>> TlsStream::write_all(std::string_view bytes, Deadline deadline) {
  return tls_ ? tls_write(bytes, deadline) : raw_write(bytes, deadline);
}

Task<TlsFacts> TlsStream::start_tls(TlsOptions options, Deadline deadline) {
  assert(client_ && !tls_);
  auto session = client_->session(options);
  if (!session) co_return not_established({Failure::local, session.error().message});
  co_return co_await handshake(std::move(*session), deadline);
}

Task<TlsFacts> TlsStream::start_tls_server(TlsServerOptions options, Deadline deadline) {
  assert(!tls_);
  auto session = make_server_session(options);
  if (!session) co_return not_established({Failure::local, session.error().message});
  co_return co_await handshake(std::move(*session), deadline);
}

Task<TlsFacts> TlsStream::handshake(std::unique_ptr<TlsSession> session, Deadline deadline) {
  tls_ = std::move(session);  // from here on nothing goes out in the clear any more, whatever happens
  buffer_ = std::make_unique<char[]>(buffer_size);
  for (;;) {
    const auto step = tls_->handshake();
    const auto sent = co_await flush(deadline);
    if (step == TlsSession::Step::done && sent) co_return tls_->facts();
    if (step == TlsSession::Step::failed || step == TlsSession::Step::ended) {
      auto facts = tls_->facts();
      facts.established = false;
      facts.failure = Failure::tls;
      co_return facts;
    }
    IoResult<std::size_t> received = sent;
    if (sent) received = co_await receive(deadline);
    if (received) continue;
    auto facts = tls_->facts();  // what was seen so far: the other side may have shown its certificate
    facts.established = false;
    facts.failure = received.error().kind;
    facts.error = received.error().text;
    co_return facts;
  }
}

Task<IoResult<std::size_t>> TlsStream::flush(Deadline deadline) {
  if (!tls_->has_output()) co_return 0;
  const auto out = tls_->take_output();
  co_return co_await raw_write(out, deadline);
}

Task<IoResult<std::size_t>> TlsStream::receive(Deadline deadline) {
  auto received = co_await raw_read({buffer_.get(), buffer_size}, deadline);
  if (received) tls_->feed({buffer_.get(), *received});
  co_return received;
}

Task<IoResult<std::size_t>> TlsStream::tls_read(std::span<char> into, Deadline deadline) {
  for (;;) {
    std::size_t size = 0;
    const auto step = tls_->read(into, size);
    if (tls_->has_output()) {  // an answer to a key update, or an alert
      const auto sent = co_await flush(deadline);
      if (!sent && step != TlsSession::Step::failed) co_return std::unexpected(sent.error());
    }
    switch (step) {
      case TlsSession::Step::done:
        co_return size;
      case TlsSession::Step::ended:
        co_return std::unexpected(IoFailure{Failure::closed, "end of the tls session"});
      case TlsSession::Step::failed:
        co_return std::unexpected(IoFailure{Failure::tls, tls_->error()});
      case TlsSession::Step::want_read:
        break;
    }
    auto received = co_await receive(deadline);
    if (!received) {
      if (received.error().kind == Failure::closed) received.error().text += " without ending the tls session";
      co_return std::unexpected(received.error());
    }
  }
}

Task<IoResult<std::size_t>> TlsStream::tls_write(std::string_view bytes, Deadline deadline) {
  for (std::size_t at = 0; at < bytes.size(); at += record_size) {
    if (tls_->write(bytes.substr(at, record_size)) != TlsSession::Step::done) {
      co_return std::unexpected(IoFailure{Failure::tls, tls_->error()});
    }
    const auto sent = co_await flush(deadline);
    if (!sent) co_return std::unexpected(sent.error());
  }
  co_return bytes.size();
}

void TlsStream::close() {
  if (tls_) {
    tls_->shut_down();
    if (tls_->has_output()) raw_write_now(tls_->take_output());
    raw_discard();  // session tickets, where we have only written
  }
  raw_close();
}

}  // namespace smtpdx::io
