// SPDX-License-Identifier: Apache-2.0
#include "mail/mbox.hpp"

#include "base/text.hpp"
#include "mail/message.hpp"

namespace smtpdx::mail {
namespace {

/// "From sender Mon Jan  1 00:00:00 2026": the time of day is what prose does not have.
bool is_separator(std::string_view line) {
  if (!line.starts_with("From ") || line.size() > 1000) return false;
  for (std::size_t i = 5; i + 4 < line.size(); ++i)
    if (is_digit(line[i]) && is_digit(line[i + 1]) && line[i + 2] == ':' && is_digit(line[i + 3]) &&
        is_digit(line[i + 4]))
      return true;
  return false;
}

}  // namespace

bool is_mbox(std::string_view octets) {
  if (!octets.starts_with("From ")) return false;
  std::size_t end = octets.substr(0, 2000).find_first_of("\r\n");
  return end != std::string_view::npos && is_separator(octets.substr(0, end));
}

std::vector<MboxMessage> split_mbox(std::string_view octets, std::size_t limit) {
  std::vector<MboxMessage> out;
  LineReader reader(octets, line_end_of(octets.substr(0, 64 * 1024)));
  std::string_view line;
  bool blank = true;
  std::size_t begin = 0;
  auto finish = [&](std::size_t end) { out.push_back({begin, octets.substr(begin, end - begin)}); };
  bool open = false;
  while (reader.next(line)) {
    if (blank && is_separator(line)) {
      if (open) finish(reader.line_offset());
      open = out.size() < limit;
      if (!open) return out;
      begin = reader.offset();
    }
    blank = line.empty();
  }
  if (open) finish(octets.size());
  return out;
}

}  // namespace smtpdx::mail
