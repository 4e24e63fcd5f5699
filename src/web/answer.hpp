// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace smtpdx::web {

/// What a route gives back. `body` of the response, or octets that live as long as the program.
struct Answer {
  http::Response response;
  std::string_view elsewhere = {};  ///< embedded assets; used where the response's own body is empty
};

Answer json_answer(int status, std::string body);
/// 204.
Answer no_content();
/// RFC 9457: {"type":"about:blank","title","status","detail","hint"}. `detail` is one sentence, `hint` the next step.
Answer problem(int status, std::string_view detail, std::string_view hint = {});
/// The same from an error of ours: usage, malformed and unreadable are 422, limit is 413, system is 503, internal 500.
Answer problem(const Error& error);
/// The problem document alone.
std::string problem_json(int status, std::string_view detail, std::string_view hint);

/// A text as a JSON string, with its quotes.
std::string json_text(std::string_view text);

/// What every answer carries: no script or style but our own, no framing, no sniffing, no referrer.
void add_security_fields(http::Response& response);

}  // namespace smtpdx::web
