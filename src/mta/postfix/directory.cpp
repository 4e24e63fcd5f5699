// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/directory.hpp"

#include "base/text.hpp"

namespace smtpdx::mta::postfix {

std::vector<Cited> logical_lines(const Directory::File& file) {
  std::vector<Cited> lines;
  std::string_view rest = file.text;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto visible = trim(line);
    if (visible.empty() || visible.front() == '#') continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_space(line.front()))
      lines.emplace_back(line, Where{file.name, number});
    else if (!lines.empty())
      lines.back().append(line, Where{file.name, number});
    // else: a continuation of nothing. Postfix warns and goes on without it.
  }
  return lines;
}

}  // namespace smtpdx::mta::postfix
