// SPDX-License-Identifier: Apache-2.0
#include "smtp/capabilities.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::smtp {
namespace {

std::string_view first_word(std::string_view line) {
  auto end = std::find_if(line.begin(), line.end(), is_space);
  return line.substr(0, static_cast<std::size_t>(end - line.begin()));
}

/// What follows "AUTH " or "AUTH=". The second form is older than RFC 2554; servers still send it for clients that know
/// no other, usually beside the first.
std::optional<std::string_view> mechanisms_in(std::string_view line) {
  if (!istarts_with(line, "AUTH") || line.size() < 5) return std::nullopt;
  if (line[4] != '=' && !is_space(line[4])) return std::nullopt;
  return line.substr(5);
}

void add_mechanisms(std::string_view list, std::vector<std::string>& known) {
  for (auto word : split_words(list)) {
    std::string mechanism(word);
    for (auto& c : mechanism) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (mechanism.starts_with('=')) mechanism.erase(0, 1);  // "AUTH =LOGIN"
    if (mechanism.empty() || std::find(known.begin(), known.end(), mechanism) != known.end()) continue;
    known.push_back(std::move(mechanism));
  }
}

}  // namespace

bool Capabilities::has(std::string_view keyword) const {
  return std::any_of(keywords.begin(), keywords.end(), [keyword](std::string_view line) {
    auto word = first_word(line);
    return iequals(word.substr(0, word.find('=')), keyword);
  });
}

bool Capabilities::offers_auth(std::string_view mechanism) const {
  return std::any_of(auth.begin(), auth.end(),
                     [mechanism](const auto& offered) { return iequals(offered, mechanism); });
}

Capabilities parse_capabilities(const Reply& ehlo) {
  Capabilities out;
  if (ehlo.lines.empty()) return out;
  out.greeting_name = first_word(trim(ehlo.lines.front()));
  out.keywords.reserve(ehlo.lines.size() - 1);
  for (auto line = ehlo.lines.begin() + 1; line != ehlo.lines.end(); ++line) {
    auto text = trim(*line);
    if (text.empty()) continue;
    out.keywords.emplace_back(text);
    if (auto list = mechanisms_in(text)) add_mechanisms(*list, out.auth);
  }
  return out;
}

}  // namespace smtpdx::smtp
