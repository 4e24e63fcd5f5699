// SPDX-License-Identifier: Apache-2.0
#include "web/answer.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace smtpdx::web {

using nlohmann::ordered_json;

namespace {
std::string dump(const ordered_json& j) { return j.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::malformed:
    case ErrorKind::unreadable:
      return 422;
    case ErrorKind::limit:
      return 413;
    case ErrorKind::system:
      return 503;
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}
}  // namespace

std::string json_text(std::string_view text) { return dump(ordered_json(std::string(text))); }

Answer json_answer(int status, std::string body) {
  Answer answer;
  answer.response.status = status;
  answer.response.fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  answer.response.body = std::move(body);
  return answer;
}

Answer no_content() {
  Answer answer;
  answer.response.status = 204;
  answer.response.fields = {{"Cache-Control", "no-store"}};
  return answer;
}

std::string problem_json(int status, std::string_view detail, std::string_view hint) {
  ordered_json j;
  j["type"] = "about:blank";
  j["title"] = http::reason_phrase(status);
  j["status"] = status;
  j["detail"] = printable(detail);
  if (!hint.empty()) j["hint"] = printable(hint);
  return dump(j);
}

Answer problem(int status, std::string_view detail, std::string_view hint) {
  auto answer = json_answer(status, problem_json(status, detail, hint) + "\n");
  answer.response.fields.front().second = "application/problem+json";
  if (status == 401) answer.response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"smtpdx\"");
  return answer;
}

Answer problem(const Error& error) { return problem(status_of(error.kind), error.message, error.hint); }

void add_security_fields(http::Response& response) {
  static const http::Fields fields = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
       "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"},
  };
  response.fields.insert(response.fields.end(), fields.begin(), fields.end());
}

}  // namespace smtpdx::web
