// SPDX-License-Identifier: Apache-2.0
#include "dkim/message.hpp"

#include <cstring>

#include "base/text.hpp"

namespace smtpdx::dkim {

namespace {

struct Ends {
  std::size_t bare = 0, crlf = 0;
};

Ends count_ends(std::string_view s) {
  Ends ends;
  for (std::size_t at = s.find('\n'); at != std::string_view::npos; at = s.find('\n', at + 1))
    ++(at > 0 && s[at - 1] == '\r' ? ends.crlf : ends.bare);
  return ends;
}

std::string with_crlf(std::string_view s, std::size_t bare) {
  std::string out;
  out.reserve(s.size() + bare);
  std::size_t from = 0;
  for (std::size_t at = s.find('\n'); at != std::string_view::npos; at = s.find('\n', at + 1)) {
    if (at > 0 && s[at - 1] == '\r') continue;
    out.append(s.substr(from, at - from));
    out += '\r';
    from = at;
  }
  out.append(s.substr(from));
  return out;
}

/// RFC 5322 §2.2: printable US-ASCII but the colon. Above it, too: RFC 6532 allows no such names, but nothing is gained
/// by ending a header at one. White space before the colon is obsolete syntax (§4.5).
std::string_view name_of(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  auto name = line.substr(0, colon);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  for (char c : name)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return {};
  return name;
}

/// Where the line that begins at `from` ends, without its CRLF.
std::size_t line_end(std::string_view s, std::size_t from) {
  const auto at = s.find("\r\n", from);
  return at == std::string_view::npos ? s.size() : at;
}

}  // namespace

Message::Message(std::string_view octets) {
  const auto input = octets;
  const auto ends = count_ends(octets);
  if (ends.bare > 0) {
    line_ends_ = ends.crlf > 0 ? LineEnds::mixed : LineEnds::lf;
    converted_ = with_crlf(octets, ends.bare);
    octets = converted_;
  }
  split(octets, input);
}

namespace {

/// Reads lines of the text with CRLF, and keeps step in the input, where an end may be an octet shorter.
struct Lines {
  std::string_view text, input;
  std::size_t at = 0, input_at = 0;

  std::size_t end() const { return line_end(text, at); }
  /// To the line behind the one that ends at `end`.
  void pass(std::size_t end) {
    input_at += end - at;
    if (input_at < input.size()) input_at += input[input_at] == '\n' ? 1 : 2;
    at = std::min(text.size(), end + 2);
  }
  bool at_fold() const { return at < text.size() && (text[at] == ' ' || text[at] == '\t'); }
};

}  // namespace

void Message::split(std::string_view s, std::string_view input) {
  Lines lines{s, input};
  if (s.starts_with("From ") || s.starts_with(">From ")) lines.pass(lines.end());
  while (lines.at < s.size()) {
    auto end = lines.end();
    if (end == lines.at) {  // the empty line
      lines.pass(end);
      break;
    }
    const auto from = lines.at, offset = lines.input_at;
    const auto name = name_of(s.substr(from, end - from));
    if (name.empty()) break;
    lines.pass(end);
    while (lines.at_fold()) {
      end = lines.end();
      lines.pass(end);
    }
    by_name_[to_lower(name)].push_back(static_cast<std::uint32_t>(fields_.size()));
    fields_.push_back({name, s.substr(from, end - from), offset});
  }
  body_ = s.substr(lines.at);
}

const std::vector<std::uint32_t>& Message::all(std::string_view name) const {
  static const std::vector<std::uint32_t> none;
  const auto found = by_name_.find(to_lower(name));
  return found == by_name_.end() ? none : found->second;
}

}  // namespace smtpdx::dkim
