// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "io/net.hpp"

namespace smtpdx::io {

/// A Stream that hands everything on: a base for those that change one thing (another peer, a slot held).
class WrappedStream : public Stream {
 public:
  explicit WrappedStream(std::unique_ptr<Stream> inner) : inner_(std::move(inner)) {}

  Task<IoResult<std::size_t>> read_some(std::span<char> into, Deadline deadline) override {
    return inner_->read_some(into, deadline);
  }
  Task<IoResult<std::size_t>> write_all(std::string_view bytes, Deadline deadline) override {
    return inner_->write_all(bytes, deadline);
  }
  Task<TlsFacts> start_tls(TlsOptions options, Deadline deadline) override {
    return inner_->start_tls(std::move(options), deadline);
  }
  bool is_tls() const override { return inner_->is_tls(); }
  Endpoint local() const override { return inner_->local(); }
  Endpoint peer() const override { return inner_->peer(); }
  void close() override { inner_->close(); }

 private:
  std::unique_ptr<Stream> inner_;
};

}  // namespace smtpdx::io
