// SPDX-License-Identifier: Apache-2.0
#pragma once

// Octets in, requests out; no I/O. Boost.Beast reads the syntax (RFC 9112): it refuses what smuggles requests past
// others (two lengths, a length beside chunks, line folding, bare LF in chunk sizes).

#include <memory>
#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace smtpdx::http {

struct RequestLimits {
  std::size_t head = 32 * 1024;          ///< octets of the request line and all fields
  std::size_t body = 32u * 1024 * 1024;  ///< contract §8
};

/// One connection's requests, one after the other.
class RequestParser {
 public:
  explicit RequestParser(RequestLimits limits = {});
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// What came, in pieces of any size; what belongs to the next request is kept for it.
  void feed(std::string_view octets);
  /// The request is whole: take it, and the parser goes on with the next one.
  bool done() const;
  /// nullopt where its target is none of RFC 9112 §3.2's forms; failed() says so then.
  std::optional<Request> take();
  /// Where it cannot go on: the status to answer with (400, 413, 431, 505). Nothing more is to be read.
  std::optional<int> failed() const;
  /// The head asks whether the body is wanted (Expect: 100-continue), and none of it has come yet. True once.
  bool wants_continue();
  /// Nothing of a request has been seen yet: an end of the connection here is an orderly one.
  bool idle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smtpdx::http
