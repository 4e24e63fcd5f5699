// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include <array>

namespace smtpdx::http {

Connection::Connection(std::unique_ptr<io::Stream> stream, RequestLimits limits)
    : stream_(std::move(stream)), parser_(limits) {}

io::Task<std::expected<Request, Connection::NoRequest>> Connection::read(Deadline deadline) {
  std::array<char, 16384> buffer;
  while (!parser_.done()) {
    if (auto status = parser_.failed()) co_return std::unexpected(NoRequest{status});
    if (parser_.wants_continue()) {
      const bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n", deadline);
      if (!sent) co_return std::unexpected(NoRequest{});
    }
    const auto got = co_await stream_->read_some(buffer, deadline);
    if (!got) {
      const bool slow = got.error().kind == io::Failure::timed_out && !parser_.idle();
      co_return std::unexpected(NoRequest{slow ? std::optional<int>(408) : std::nullopt});
    }
    parser_.feed({buffer.data(), *got});
  }
  auto request = parser_.take();
  if (!request) co_return std::unexpected(NoRequest{parser_.failed()});
  co_return std::move(*request);
}

io::Task<bool> Connection::respond(const Response& response, bool with_body, bool keep_alive, Deadline deadline) {
  co_return co_await respond(response, response.body, with_body, keep_alive, deadline);
}

io::Task<bool> Connection::respond(const Response& response, std::string_view body, bool with_body, bool keep_alive,
                                   Deadline deadline) {
  constexpr std::size_t worth_a_copy = 64 * 1024;
  auto head = head_of(response, body.size(), keep_alive);
  if (!with_body) body = {};
  if (body.size() <= worth_a_copy) {
    head += body;
    co_return co_await write(head, deadline);
  }
  const bool sent = co_await write(head, deadline);
  if (!sent) co_return false;
  co_return co_await write(body, deadline);
}

io::Task<bool> Connection::begin_stream(Fields fields, Deadline deadline) {
  const auto head = stream_head(200, fields);
  co_return co_await write(head, deadline);
}

io::Task<bool> Connection::write(std::string_view piece, Deadline deadline) {
  const auto written = co_await stream_->write_all(piece, deadline);
  co_return written.has_value();
}

io::Task<bool> Connection::gone(Deadline deadline) {
  std::array<char, 512> buffer;
  const auto got = co_await stream_->read_some(buffer, deadline);
  co_return got || got.error().kind != io::Failure::timed_out;
}

io::Task<void> Connection::let_finish(io::Runtime& runtime, Deadline deadline) {
  std::array<char, 16384> buffer;
  while (!deadline.passed(runtime.now())) {
    const auto got = co_await stream_->read_some(buffer, runtime.deadline_in(std::chrono::seconds(1)));
    if (!got) co_return;
  }
}

}  // namespace smtpdx::http
