// SPDX-License-Identifier: Apache-2.0
#include "mail/authentication_results.hpp"

#include "base/text.hpp"

namespace smtpdx::mail {

namespace {

/// Words of one part: comments left out, quoted strings without their quotes, blanks around "=" taken away.
std::vector<std::string> words_of(std::string_view s, bool& ended, std::size_t& at) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  bool quoted = false, glue = false;
  auto close = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  ended = true;
  for (; at < s.size(); ++at) {
    const char c = s[at];
    if (c == '\\' && (depth > 0 || quoted)) {
      if (++at < s.size() && depth == 0) word += s[at];
    } else if (depth > 0) {
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    } else if (quoted) {
      if (c == '"')
        quoted = false;
      else
        word += c;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ';') {
      ended = false;
      ++at;
      break;
    } else if (is_space(c)) {
      if (!glue) close();
    } else if (c == '=' && word.empty() && !words.empty()) {
      word = std::move(words.back()) + "=";
      words.pop_back();
      glue = true;
      continue;
    } else {
      word += c;
      glue = c == '=' && word.find('=') == word.size() - 1;
      continue;
    }
    if (!is_space(c)) glue = false;
  }
  close();
  return words;
}

bool is_keyword(std::string_view s) {
  for (char c : s)
    if (!is_digit(c) && (ascii_lower(c) < 'a' || ascii_lower(c) > 'z') && c != '-' && c != '_' && c != '/' && c != '.')
      return false;
  return !s.empty();
}

AuthenticationResult result_of(const std::vector<std::string>& words) {
  AuthenticationResult r;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) continue;
    const auto name = to_lower(word.substr(0, equals));
    auto value = printable(word.substr(equals + 1), 300);
    if (!is_keyword(name)) continue;
    if (r.method.empty()) {
      r.method = name.substr(0, name.find('/'));
      r.result = to_lower(value);
    } else if (name == "reason") {
      r.reason = std::move(value);
    } else {
      r.properties.emplace_back(printable(name, 80), std::move(value));
    }
  }
  return r;
}

}  // namespace

std::string AuthenticationResult::property(std::string_view name) const {
  for (const auto& [key, value] : properties)
    if (key == name) return value;
  return {};
}

AuthenticationResults parse_authentication_results(std::string_view value) {
  AuthenticationResults out;
  value = value.substr(0, 65536);
  std::size_t at = 0;
  bool ended = false, first = true;
  while (!ended && out.results.size() < 100) {
    const auto words = words_of(value, ended, at);
    if (first && !words.empty() && words.front().find('=') == std::string::npos) {
      out.server = printable(words.front(), 253);
    } else if (auto r = result_of(words); !r.method.empty()) {
      out.results.push_back(std::move(r));
    }
    first = false;
  }
  return out;
}

}  // namespace smtpdx::mail
