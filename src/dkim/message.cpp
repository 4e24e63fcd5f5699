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

Message::Message(std::string_view octets) : input_(octets) {
  const auto ends = count_ends(octets);
  if (ends.bare > 0) {
    line_ends_ = ends.crlf > 0 ? LineEnds::mixed : LineEnds::lf;
    converted_ = with_crlf(octets, ends.bare);
    octets = converted_;
  }
  split(octets);
}

void Message::split(std::string_view s) {
  std::size_t at = 0;
  if (s.starts_with("From ") || s.starts_with(">From ")) at = std::min(s.size(), line_end(s, 0) + 2);
  while (at < s.size()) {
    auto end = line_end(s, at);
    if (end == at) {  // the empty line
      at = std::min(s.size(), end + 2);
      break;
    }
    const auto name = name_of(s.substr(at, end - at));
    if (name.empty()) break;
    while (end + 2 < s.size() && (s[end + 2] == ' ' || s[end + 2] == '\t')) end = line_end(s, end + 2);
    by_name_[to_lower(name)].push_back(static_cast<std::uint32_t>(fields_.size()));
    fields_.push_back({name, s.substr(at, end - at)});
    at = std::min(s.size(), end + 2);
  }
  body_ = s.substr(at);
}

const std::vector<std::uint32_t>& Message::all(std::string_view name) const {
  static const std::vector<std::uint32_t> none;
  const auto found = by_name_.find(to_lower(name));
  return found == by_name_.end() ? none : found->second;
}

std::size_t Message::offset_of(const Field& field) const {
  if (converted_.empty()) return static_cast<std::size_t>(field.whole.data() - input_.data());
  const std::string_view before(converted_.data(), static_cast<std::size_t>(field.whole.data() - converted_.data()));
  // Every line end before it is one octet longer than in the input, unless it was CRLF there.
  std::size_t input_at = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == '\r' && i + 1 < before.size() && before[i + 1] == '\n' && input_[input_at] == '\n') continue;
    ++input_at;
  }
  return input_at;
}

}  // namespace smtpdx::dkim
