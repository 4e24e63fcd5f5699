// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "io/net.hpp"
#include "io/runtime.hpp"

namespace smtpdx::smtp::testing {

/// A server as a function from one line (without CRLF) to its reply (with CRLF; may be empty): for conversations that
/// cannot be written down beforehand, such as SCRAM. Closes when asked for more than it has said.
class AnsweringStream final : public io::Stream {
 public:
  using Answer = std::function<std::string(std::string_view line)>;
  AnsweringStream(io::Runtime& runtime, std::string greeting, Answer answer)
      : runtime_(runtime), outgoing_(std::move(greeting)), answer_(std::move(answer)) {}

  io::Task<io::IoResult<std::size_t>> read_some(std::span<char> into, Deadline) override {
    co_await runtime_.sleep_until(runtime_.now());
    if (outgoing_.empty()) co_return std::unexpected(io::IoFailure{io::Failure::closed, "end of file"});
    auto size = std::min(into.size(), outgoing_.size());
    std::copy_n(outgoing_.begin(), size, into.begin());
    outgoing_.erase(0, size);
    co_return size;
  }
  io::Task<io::IoResult<std::size_t>> write_all(std::string_view bytes, Deadline) override {
    incoming_ += bytes;
    for (auto end = incoming_.find("\r\n"); end != std::string::npos; end = incoming_.find("\r\n")) {
      outgoing_ += answer_(std::string_view(incoming_).substr(0, end));
      incoming_.erase(0, end + 2);
    }
    co_return bytes.size();
  }
  io::Task<io::TlsFacts> start_tls(io::TlsOptions, Deadline) override {
    io::TlsFacts facts;
    facts.established = tls_ = true;
    facts.version = io::TlsVersion::tls1_3;
    co_return facts;
  }
  bool is_tls() const override { return tls_; }
  Endpoint local() const override { return {IpAddress::v4(0x7F000001), 40000}; }
  Endpoint peer() const override { return {IpAddress::v4(0xC0000219), 25}; }
  void close() override { outgoing_.clear(); }

 private:
  io::Runtime& runtime_;
  std::string outgoing_, incoming_;
  Answer answer_;
  bool tls_ = false;
};

}  // namespace smtpdx::smtp::testing
