// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/cited.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {

void Cited::append(std::string_view text, const Where& where) {
  if (text.empty()) return;
  if (runs_.empty() || runs_.back().second != where) runs_.emplace_back(text_.size(), where);
  text_ += text;
}

void Cited::append(const Cited& other, std::size_t from, std::size_t count) {
  if (from >= other.size()) return;
  const std::size_t end = count > other.size() - from ? other.size() : from + count;
  // From the run that holds `from`: a list of thousands of lines is sliced word by word.
  const auto after = std::upper_bound(other.runs_.begin(), other.runs_.end(), from,
                                      [](std::size_t at, const auto& run) { return at < run.first; });
  const auto first = after == other.runs_.begin() ? 0 : static_cast<std::size_t>(after - other.runs_.begin()) - 1;
  for (std::size_t run = first; run < other.runs_.size() && other.runs_[run].first < end; ++run) {
    const std::size_t begins = std::max(other.runs_[run].first, from);
    const std::size_t ends = std::min(run + 1 < other.runs_.size() ? other.runs_[run + 1].first : other.size(), end);
    if (begins < ends) append(std::string_view(other.text_).substr(begins, ends - begins), other.runs_[run].second);
  }
}

Cited Cited::slice(std::size_t from, std::size_t count) const {
  Cited part;
  part.append(*this, from, count);
  return part;
}

Cited Cited::trimmed() const {
  const auto inner = trim(text_);
  if (inner.empty()) return {};
  return slice(static_cast<std::size_t>(inner.data() - text_.data()), inner.size());
}

Where Cited::where(std::size_t offset) const {
  if (runs_.empty()) return {};
  auto after = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                [](std::size_t at, const auto& run) { return at < run.first; });
  return after == runs_.begin() ? runs_.front().second : std::prev(after)->second;
}

std::vector<Cited> split_outside_braces(const Cited& value, std::string_view separators) {
  std::vector<Cited> parts;
  const auto& text = value.text();
  std::size_t start = 0;
  unsigned depth = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const bool end = at == text.size();
    if (!end && text[at] == '{') ++depth;
    if (!end && text[at] == '}' && depth > 0) --depth;
    if (!end && (depth > 0 || !(is_space(text[at]) || separators.find(text[at]) != std::string_view::npos))) continue;
    if (at > start) parts.push_back(value.slice(start, at - start));
    start = at + 1;
  }
  return parts;
}

std::size_t matching_brace(std::string_view text, std::size_t from, char open, char close) {
  unsigned depth = 0;
  for (std::size_t at = from; at < text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && --depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

}  // namespace smtpdx::mta::postfix
