// SPDX-License-Identifier: Apache-2.0
#pragma once

// One client's connection, in the server's role: requests one by one, an answer to each.

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/request_parser.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"

namespace smtpdx::http {

class Connection {
 public:
  explicit Connection(std::unique_ptr<io::Stream> stream, RequestLimits limits = {});

  /// Why there is no request: nothing to answer to (ended, silent), or the status to answer with.
  struct NoRequest {
    std::optional<int> status;
  };
  /// The next request, whole. A client that waits for "100 Continue" (RFC 9110 §10.1.1) gets it.
  io::Task<std::expected<Request, NoRequest>> read(Deadline deadline);

  /// False where the client has gone. `with_body` is false for HEAD.
  io::Task<bool> respond(const Response& response, bool with_body, bool keep_alive, Deadline deadline);
  /// Head and body that lie elsewhere (embedded assets): written without a copy.
  io::Task<bool> respond(const Response& response, std::string_view body, bool with_body, bool keep_alive,
                         Deadline deadline);

  /// An answer without end: head, then pieces, until the connection is closed.
  io::Task<bool> begin_stream(Fields fields, Deadline deadline);
  io::Task<bool> write(std::string_view piece, Deadline deadline);
  /// Resolves when the client has gone (or speaks out of turn): for one that only listens.
  io::Task<bool> gone(Deadline deadline);

  /// Reads what still comes and throws it away, until the client is silent for a second, or the deadline: who is cut
  /// off while it sends may never see the answer that went before.
  io::Task<void> let_finish(io::Runtime& runtime, Deadline deadline);

  Endpoint peer() const { return stream_->peer(); }
  void close() { stream_->close(); }

 private:
  std::unique_ptr<io::Stream> stream_;
  RequestParser parser_;
};

}  // namespace smtpdx::http
