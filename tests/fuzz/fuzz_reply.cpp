// SPDX-License-Identifier: Apache-2.0
// links: smtp
//
// The two readers of replies, and what is derived from a reply. Looked for besides crashes: the parser gives the same
// replies however the octets are cut, keeps its limits, and stays dead after an error; text taken from a paste survives
// being pasted again.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/reply.hpp"

namespace {

using namespace smtpdx::smtp;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  std::vector<Reply> replies;
  std::optional<ReplyError> error;
  std::string partial;
};

/// Feeds pieces of `step` octets.
Outcome read_all(std::string_view octets, std::size_t step) {
  Outcome out;
  ReplyParser parser;
  while (!octets.empty() && !parser.error()) {
    auto piece = octets.substr(0, step);
    auto used = parser.feed(piece);
    require(used <= piece.size());
    require(used == piece.size() || parser.complete() || parser.error());
    octets.remove_prefix(used);
    require(parser.partial().size() <= ReplyParser::most_octets_a_line);
    require(parser.raw_lines().size() <= ReplyParser::most_lines + 1);
    if (parser.complete()) out.replies.push_back(parser.take());
  }
  out.error = parser.error();
  out.partial = parser.partial();
  if (out.error) require(parser.feed("250 ok\r\n") == 0 && !parser.complete());
  return out;
}

void look_at(const Reply& reply) {
  require(reply.code >= 200 && reply.code <= 599);
  require(!reply.lines.empty() && reply.lines.size() <= ReplyParser::most_lines);
  require(!reply.status || reply.status->klass == reply.code / 100);
  auto words = reply.to_string();
  require(words.starts_with(std::to_string(reply.code)));
  auto again = parse_reply_line(words);
  require(again && again->code == reply.code);
  if (reply.status) require(EnhancedStatus::parse(reply.status->to_string()) == reply.status);
  auto capabilities = parse_capabilities(reply);
  require(capabilities.keywords.size() < reply.lines.size());
  for (const auto& mechanism : capabilities.auth) require(capabilities.offers_auth(mechanism));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto whole = read_all(input, input.size() + 1);
  for (std::size_t step : {1, 3, 512}) {
    auto cut = read_all(input, step);
    require(cut.error == whole.error && cut.partial == whole.partial && cut.replies.size() == whole.replies.size());
    for (std::size_t i = 0; i < cut.replies.size(); ++i) require(cut.replies[i].lines == whole.replies[i].lines);
  }
  for (const auto& reply : whole.replies) look_at(reply);
  if (auto pasted = parse_reply_line(input)) look_at(*pasted);
  (void)EnhancedStatus::parse(input);
  return 0;
}
