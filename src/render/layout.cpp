// SPDX-License-Identifier: Apache-2.0
#include "render/layout.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace smtpdx::render {

namespace {

bool safe_in_shell(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("@._-+:=/").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string folded(std::string_view label, std::string_view text, unsigned width) {
  std::string out(label);
  std::size_t column = out.size();
  const std::size_t indent = column;
  bool first = true;
  for (auto word : split_words(text)) {
    if (!first && width != 0 && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      first = true;
    }
    if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  return out + "\n";
}

/// Within '…' nothing is special but the quote itself.
std::string shell_word(const std::string& word) {
  return safe_in_shell(word) ? word : "'" + replace_all(printable(word, 300), "'", "'\\''") + "'";
}

}  // namespace smtpdx::render
