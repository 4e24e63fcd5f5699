// SPDX-License-Identifier: Apache-2.0
#include "smtp/echo_guard.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::smtp {
namespace {

constexpr std::size_t shortest_echo = 8;

/// Octets that `text` and `line` have in common at their start, ASCII case ignored.
std::size_t common_prefix(std::string_view text, std::string_view line) {
  std::size_t n = 0;
  while (n < text.size() && n < line.size() && ascii_lower(text[n]) == ascii_lower(line[n])) ++n;
  return n;
}

}  // namespace

void EchoGuard::sent(std::string_view line) {
  if (line.size() >= shortest_echo) lines_.emplace_back(line);
}

std::string EchoGuard::clean(std::string_view text) const {
  std::string out = redactor_.redact(text);
  for (std::string_view line : lines_) {
    auto start = line.substr(0, shortest_echo);
    for (auto at = ifind(out, start); at != std::string::npos; at = ifind(out, start, at + 1)) {
      out.replace(at, common_prefix(std::string_view(out).substr(at), line), "[secret]");
    }
  }
  return out;
}

}  // namespace smtpdx::smtp
