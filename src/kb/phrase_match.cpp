// SPDX-License-Identifier: Apache-2.0
#include "kb/phrase_match.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

namespace smtpdx::kb {
namespace {

/// Lower case of each octet, white space as a space.
constexpr std::array<char, 256> folds = [] {
  std::array<char, 256> table{};
  for (int i = 0; i < 256; ++i) {
    char c = static_cast<char>(i);
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r') c = ' ';
    table[static_cast<std::size_t>(i)] = c;
  }
  return table;
}();

std::string fold(std::string_view text, std::vector<std::size_t>* origin) {
  std::string out(text.size(), '\0');
  if (origin) origin->resize(text.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = folds[static_cast<unsigned char>(text[i])];
    if (c == ' ' && n > 0 && out[n - 1] == ' ') continue;
    if (origin) (*origin)[n] = i;
    out[n++] = c;
  }
  out.resize(n);
  if (origin) origin->resize(n);
  return out;
}

/// Length of "D.D.D" (1, 1–3 and 1–3 digits, RFC 3463 §2) at the start of `s`, 0 where there is none.
std::size_t status_length(std::string_view s) {
  if (s.size() < 5 || (s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.') return 0;
  std::size_t i = 2;
  for (int field = 0; field < 2; ++field) {
    std::size_t begin = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    if (i == begin || i - begin > 3) return 0;
    if (field == 0) {
      if (i >= s.size() || s[i] != '.') return 0;
      ++i;
    }
  }
  return i;
}

bool is_basic_code(std::string_view s) {
  return s.size() == 3 && s[0] >= '2' && s[0] <= '5' && is_digit(s[1]) && is_digit(s[2]);
}

}  // namespace

FoldedText::FoldedText(std::string_view text) {
  text = text.substr(0, limit);
  folded_ = fold(text, nullptr);
  if (folded_.size() == text.size()) return;
  fold(text, &origin_);
  origin_.push_back(text.size());
}

std::size_t FoldedText::original(std::size_t index) const {
  if (origin_.empty()) return std::min(index, folded_.size());
  return origin_[std::min(index, origin_.size() - 1)];
}

Pattern::Pattern(std::string_view pattern) {
  std::string folded = fold(trim(pattern), nullptr);
  for (auto part : split(folded, '*')) {
    // "a * b" must also fit "ab": white space beside a star belongs to the run.
    part = trim(part);
    if (part.empty()) continue;
    parts_.emplace_back(part);
    weight_ += part.size();
  }
}

std::optional<Pattern::Hit> Pattern::find(const FoldedText& text) const {
  if (parts_.empty()) return std::nullopt;
  std::string_view folded = text.folded();
  // Where a later part is too far off, a later occurrence of the first one may be near enough.
  for (std::size_t begin = find_exactly(folded, parts_[0]); begin != std::string_view::npos;
       begin = find_exactly(folded, parts_[0], begin + 1)) {
    std::size_t at = begin + parts_[0].size();
    std::size_t part = 1;
    for (; part < parts_.size(); ++part) {
      std::size_t hit = find_exactly(folded.substr(0, at + star_limit + parts_[part].size()), parts_[part], at);
      if (hit == std::string_view::npos) break;
      at = hit + parts_[part].size();
    }
    if (part == parts_.size()) return Hit{text.original(begin), text.original(at - 1) + 1};
  }
  return std::nullopt;
}

Pattern::Hit Pattern::hit_at(const FoldedText& text, std::size_t at) const {
  return {text.original(at), text.original(at + weight_ - 1) + 1};
}

namespace {

std::uint32_t four_at(const char* at) {
  std::uint32_t four;
  std::memcpy(&four, at, 4);
  return four;
}

/// How common four octets are in refusals, very roughly: spaces and vowels fill English.
int commonness(std::string_view four) {
  static constexpr auto values = [] {
    std::array<std::uint8_t, 256> table{};
    for (char c : std::string_view("etaoinrsl")) table[static_cast<unsigned char>(c)] = 2;
    table[' '] = 3;
    return table;
  }();
  int value = 0;
  for (char c : four) value += values[static_cast<unsigned char>(c)];
  return value;
}

}  // namespace

/// The upper bits count.
std::uint32_t PatternIndex::hash(const char* four) { return four_at(four) * 2654435761U; }

void PatternIndex::add(const Pattern& pattern, std::size_t number) {
  std::string_view best;
  const std::string* home = nullptr;
  for (const auto& part : pattern.parts())
    for (std::size_t i = 0; i + 4 <= part.size(); ++i) {
      std::string_view four = std::string_view(part).substr(i, 4);
      if (!best.empty() && commonness(four) >= commonness(best)) continue;
      best = four;
      home = &part;
    }
  if (home == nullptr) {
    if (!pattern.empty()) short_.push_back({static_cast<std::uint32_t>(number), Candidate::unknown});
    return;
  }
  const std::uint32_t hashed = hash(best.data());
  filed_.set(hashed / (0x1'0000'0000 / marks));
  std::uint32_t& head = heads_[hashed / (0x1'0000'0000 / slots)];
  auto offset = static_cast<std::uint32_t>(best.data() - home->data());
  entries_.push_back({four_at(best.data()), static_cast<std::uint32_t>(number), head, offset, four_at(home->data()),
                      pattern.parts().size() == 1 ? *home : std::string()});
  head = static_cast<std::uint32_t>(entries_.size());
}

std::vector<PatternIndex::Candidate> PatternIndex::candidates(const FoldedText& text) const {
  std::vector<Candidate> found = short_;
  std::string_view folded = text.folded();
  for (std::size_t i = 0; i + 4 <= folded.size(); ++i) {
    const std::uint32_t four = four_at(folded.data() + i), hashed = hash(folded.data() + i);
    if (!filed_[hashed / (0x1'0000'0000 / marks)]) continue;
    for (std::uint32_t at = heads_[hashed / (0x1'0000'0000 / slots)]; at != 0; at = entries_[at - 1].next) {
      const Entry& entry = entries_[at - 1];
      if (entry.four != four) continue;
      if (entry.whole.empty()) {
        found.push_back({entry.number, Candidate::unknown});
        continue;
      }
      if (i < entry.offset || four_at(folded.data() + i - entry.offset) != entry.first) continue;
      if (folded.compare(i - entry.offset, entry.whole.size(), entry.whole) != 0) continue;
      found.push_back({entry.number, static_cast<std::uint32_t>(i - entry.offset)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.number != b.number ? a.number < b.number : a.at < b.at;
  });
  auto same = [](const Candidate& a, const Candidate& b) { return a.number == b.number; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

CodeFit code_fit(std::string_view wanted, int code, std::string_view status) {
  bool agrees = true;
  for (auto word : split_words(wanted)) {
    if (is_basic_code(word)) {
      if (code == 0) {
        if (!status.empty() && status[0] != word[0]) return CodeFit::differs;
        agrees = false;
      } else if (std::to_string(code) != word) {
        return CodeFit::differs;
      }
    } else if (status.empty()) {
      if (code != 0 && std::to_string(code)[0] != word[0]) return CodeFit::differs;
      agrees = false;
    } else if (status != word) {
      return CodeFit::differs;
    }
  }
  return agrees ? CodeFit::agrees : CodeFit::open;
}

bool is_code_word(std::string_view word) {
  auto words = split_words(word);
  if (words.empty() || words.size() > 2) return false;
  auto is_status = [](std::string_view s) { return status_length(s) == s.size(); };
  if (words.size() == 2) return is_basic_code(words[0]) && is_status(words[1]);
  return is_basic_code(words[0]) || is_status(words[0]);
}

ReplyWords sample_words(std::string_view sample) {
  ReplyWords out;
  sample = trim(sample);
  if (sample.size() >= 3 && is_basic_code(sample.substr(0, 3)) &&
      (sample.size() == 3 || sample[3] == ' ' || sample[3] == '-')) {
    out.code = static_cast<int>(*parse_number(sample.substr(0, 3)));
    sample = trim(sample.substr(std::min<std::size_t>(4, sample.size())));
  }
  std::size_t skip = !sample.empty() && sample[0] == '#' ? 1 : 0;
  if (std::size_t n = status_length(sample.substr(skip)); n > 0) {
    std::size_t end = skip + n;
    if (end == sample.size() || is_space(sample[end])) {
      out.status = std::string(sample.substr(skip, n));
      sample = trim(sample.substr(end));
    }
  }
  out.text = std::string(sample);
  return out;
}

}  // namespace smtpdx::kb
