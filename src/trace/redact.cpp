// SPDX-License-Identifier: Apache-2.0
#include "trace/redact.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace smtpdx::trace {
namespace {

constexpr std::size_t shortest = 3;
constexpr std::string_view mask = "[secret]";

using Range = std::pair<std::size_t, std::size_t>;  // [first, second)

bool is_base64(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '+' || c == '/' || c == '-' ||
         c == '_';
}

/// The characters that base64 of any string has for `secret` when `before` (mod 3) octets precede it there: those of
/// which every bit is the secret's own.
std::string aligned_base64(std::string_view secret, std::size_t before) {
  auto text = base64_encode(std::string(before, '\0') + std::string(secret));
  auto from = (before * 8 + 5) / 6;
  auto to = (before + secret.size()) * 8 / 6;
  return text.substr(from, to - from);
}

void add_once(std::vector<std::string>& forms, std::string form) {
  if (std::find(forms.begin(), forms.end(), form) == forms.end()) forms.push_back(std::move(form));
}

void find_all(std::string_view text, std::string_view form, std::vector<Range>& found) {
  for (auto at = text.find(form); at != std::string_view::npos; at = text.find(form, at + 1)) {
    found.emplace_back(at, at + form.size());
  }
}

/// The run of base64 characters around `range`, its padding included.
Range whole_run(std::string_view text, Range range) {
  while (range.first > 0 && is_base64(text[range.first - 1])) --range.first;
  while (range.second < text.size() && is_base64(text[range.second])) ++range.second;
  while (range.second < text.size() && text[range.second] == '=') ++range.second;
  return range;
}

}  // namespace

void Redactor::add(std::string_view secret) {
  if (secret.size() < shortest) return;
  add_once(plain_, std::string(secret));
  for (std::size_t before = 0; before < 3; ++before) {
    auto form = aligned_base64(secret, before);
    auto url_form = replace_all(replace_all(form, "+", "-"), "/", "_");
    add_once(encoded_, std::move(form));
    add_once(encoded_, std::move(url_form));
  }
}

std::string Redactor::redact(std::string_view text) const {
  if (empty()) return std::string(text);
  // All finds first, then one pass that writes: a secret that is part of another, or of the mask itself, cannot be
  // found in what was already replaced.
  std::vector<Range> found;
  for (const auto& form : encoded_) find_all(text, form, found);
  for (auto& range : found) range = whole_run(text, range);
  for (const auto& form : plain_) find_all(text, form, found);
  std::sort(found.begin(), found.end());
  std::string out;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < found.size();) {
    auto [from, to] = found[i];
    for (++i; i < found.size() && found[i].first <= to; ++i) to = std::max(to, found[i].second);
    out.append(text, kept, from - kept);
    out += mask;
    kept = to;
  }
  out.append(text, kept);
  return out;
}

}  // namespace smtpdx::trace
