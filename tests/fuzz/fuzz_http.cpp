// SPDX-License-Identifier: Apache-2.0
// links: http
//
// A client's octets, in pieces: what a connection of `serve` does with them. Looked for besides crashes: the pieces
// make no difference, limits hold, and nothing that came can split an answer in two.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http/request_parser.hpp"

namespace {

using namespace smtpdx;

constexpr http::RequestLimits limits{.head = 2048, .body = 4096};

void require(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  std::vector<std::string> requests;
  std::optional<int> failed;
  bool operator==(const Outcome&) const = default;
};

std::string told(const http::Request& r) {
  std::string out = r.method + " " + r.path + "?" + r.query + "\n";
  for (const auto& [name, value] : r.fields) out += name + ":" + value + "\n";
  return out + "\n" + r.body + (r.keep_alive ? "+" : "-");
}

/// What the server asks of a request, whatever it is.
void look_at(const http::Request& r) {
  require(!r.method.empty() && (r.path == "*" || r.path.starts_with('/')));
  require(r.path.find('\0') == r.path.npos && r.body.size() <= limits.body);
  for (const auto& [name, value] : r.fields) {
    require(r.has(name) && r.count(name) >= 1);
    require(value.find_first_of("\r\n") == value.npos);
  }
  for (const auto* name : {"limit", "cursor", "", "a"}) {
    const auto value = r.parameter(name);
    require(!value || value->find('\0') == value->npos);
    (void)r.cookie(name);
  }
  const auto decoded = http::percent_decoded(r.query);
  require(!decoded || decoded->size() <= r.query.size());
  http::Response answer;
  answer.fields = {{"X-Echo", r.path}, {"X-Query", decoded.value_or("")}, {std::string(r.field("a")), r.body}};
  const auto head = http::head_of(answer, 0, r.keep_alive);
  require(head.find("\r\n\r\n") == head.size() - 4);
}

Outcome play(std::string_view octets, std::size_t piece) {
  http::RequestParser parser(limits);
  Outcome outcome;
  for (std::size_t at = 0; at < octets.size() && !outcome.failed; at += piece) {
    parser.feed(octets.substr(at, piece));
    (void)parser.wants_continue();
    while (parser.done()) {
      auto request = parser.take();
      if (!request) break;
      look_at(*request);
      outcome.requests.push_back(told(*request));
    }
    outcome.failed = parser.failed();
  }
  if (outcome.failed) require(*outcome.failed >= 400 && *outcome.failed <= 505);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = play(octets, octets.size() + 1);
  const auto pieces = play(octets, 1 + data[0] % 64);
  // A piece that breaks a limit may hold a whole request before it: what was taken until then must be the same.
  for (std::size_t i = 0; i < std::min(whole.requests.size(), pieces.requests.size()); ++i)
    require(whole.requests[i] == pieces.requests[i]);
  if (!whole.failed && !pieces.failed) require(whole == pieces);
  (void)http::percent_decoded(octets);
  return 0;
}
