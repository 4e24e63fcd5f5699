// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/octets.hpp"

// Octet-wise helpers for protocol text. Nothing here asks the locale: "İ" and "i" must not become equal on a Turkish
// desktop, and RFC 5321 §2.4 compares commands and domains by US-ASCII only. Octets above 0x7F are carried, never
// folded.
//
// `printable` is the one gate between bytes from strangers and a terminal: escape sequences (ESC, and the C1 controls
// that some terminals obey even when they arrive as UTF-8) and the bidirectional overrides, which reorder what the
// reader sees, are shown as octets. It does not escape the backslash: its output is for people, not for parsing back.

namespace smtpdx {

std::string to_lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return x == y || ascii_lower(x) == ascii_lower(y); });
}

bool istarts_with(std::string_view s, std::string_view prefix) {
  return s.size() >= prefix.size() && iequals(s.substr(0, prefix.size()), prefix);
}

bool iends_with(std::string_view s, std::string_view suffix) {
  return s.size() >= suffix.size() && iequals(s.substr(s.size() - suffix.size()), suffix);
}

bool icontains(std::string_view haystack, std::string_view needle) {
  return ifind(haystack, needle) != std::string_view::npos;
}

namespace {

/// Places where a word can begin: its first and its last octet are there, but for the bits of `ignored`.
struct Ends {
  Ends(std::string_view word, std::uint8_t ignored)
      : ignored_(each_octet(static_cast<char>(ignored))),
        first_(each_octet(word.front()) | ignored_),
        last_(each_octet(word.back()) | ignored_),
        span_(word.size() - 1) {}
  Octets at(const char* place) const {
    return static_cast<Octets>((octets_at(place) | ignored_) == first_) &
           static_cast<Octets>((octets_at(place + span_) | ignored_) == last_);
  }

 private:
  Octets ignored_, first_, last_;
  std::size_t span_;
};

/// Where `begins` first holds of the places from `from` on where a word with these ends can begin.
template <class Begins>
std::size_t find_word(std::string_view haystack, std::string_view needle, std::size_t from, std::uint8_t ignored,
                      Begins begins) {
  if (from > haystack.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  if (needle.size() > haystack.size() - from) return std::string_view::npos;
  const std::size_t end = haystack.size() - needle.size() + 1;
  std::size_t at = from;
  const Ends ends(needle, ignored);
  for (; at + sizeof(Octets) <= end; at += sizeof(Octets)) {
    const Octets candidates = ends.at(haystack.data() + at);
    if (!any_set(candidates)) continue;
    for (std::size_t i = 0; i < sizeof candidates; ++i)
      if (candidates[i] != 0 && begins(haystack.substr(at + i, needle.size()))) return at + i;
  }
  for (; at < end; ++at)
    if (begins(haystack.substr(at, needle.size()))) return at;
  return std::string_view::npos;
}

}  // namespace

std::size_t ifind(std::string_view haystack, std::string_view needle, std::size_t from) {
  constexpr std::uint8_t case_bit = 0x20;
  return find_word(haystack, needle, from, case_bit, [&](std::string_view word) {
    return ascii_lower(word[0]) == ascii_lower(needle[0]) && iequals(word, needle);
  });
}

std::size_t find_exactly(std::string_view haystack, std::string_view needle, std::size_t from) {
  return find_word(haystack, needle, from, 0,
                   [&](std::string_view word) { return word[0] == needle[0] && word == needle; });
}

std::size_t find_either(std::string_view s, char one, char other, std::size_t from) {
  std::size_t at = from;
  for (; at + sizeof(Octets) <= s.size(); at += sizeof(Octets)) {
    const Octets octets = octets_at(s.data() + at);
    if (any_set((octets == each_octet(one)) | (octets == each_octet(other)))) break;
  }
  for (; at < s.size(); ++at)
    if (s[at] == one || s[at] == other) return at;
  return std::string_view::npos;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto at = s.find(separator);
    parts.push_back(s.substr(0, at));
    if (at == std::string_view::npos) return parts;
    s.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> split_words(std::string_view s) {
  std::vector<std::string_view> words;
  std::size_t i = 0;
  while (i < s.size()) {
    while (i < s.size() && is_space(s[i])) ++i;
    auto start = i;
    while (i < s.size() && !is_space(s[i])) ++i;
    if (i > start) words.push_back(s.substr(start, i - start));
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view s) {
  std::vector<std::string_view> lines;
  while (!s.empty()) {
    auto at = find_either(s, '\r', '\n');
    lines.push_back(s.substr(0, at));
    if (at == std::string_view::npos) break;
    bool crlf = s[at] == '\r' && at + 1 < s.size() && s[at + 1] == '\n';
    s.remove_prefix(at + (crlf ? 2 : 1));
  }
  return lines;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

namespace {

/// Octets before the first white space that is no single space between two words; `s` ends in none.
std::size_t folded_length(std::string_view s) {
  const auto is_break = [](const auto& octets) { return octets - '\t' <= '\r' - '\t'; };
  std::size_t i = 0;
  for (; i + sizeof(Octets) < s.size(); i += sizeof(Octets)) {
    const Octets octets = octets_at(s.data() + i), next = octets_at(s.data() + i + 1);
    if (any_set(is_break(octets) | ((octets == ' ') & ((next == ' ') | is_break(next))))) break;
  }
  while (i < s.size() && (!is_space(s[i]) || (s[i] == ' ' && !is_space(s[i + 1])))) ++i;
  return i;
}

}  // namespace

std::string fold_space(std::string_view s) {
  s = trim(s);
  std::string out;
  out.reserve(s.size());
  for (;;) {
    const std::size_t length = folded_length(s);
    out += s.substr(0, length);
    if (length == s.size()) return out;
    out += ' ';
    s.remove_prefix(length);
    while (is_space(s.front())) s.remove_prefix(1);
  }
}

std::string replace_all(std::string s, std::string_view from, std::string_view to) {
  if (from.empty()) return s;
  std::string out;
  std::size_t start = 0;
  for (;;) {
    auto at = s.find(from, start);
    if (at == std::string::npos) break;
    out.append(s, start, at - start);
    out += to;
    start = at + from.size();
  }
  if (start == 0) return s;
  out.append(s, start);
  return out;
}

std::optional<std::uint64_t> parse_number(std::string_view s) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc{} || end != s.data() + s.size()) return std::nullopt;
  return value;
}

namespace {

/// Length of the well-formed UTF-8 sequence at the start of `s`, 0 where there is none (Unicode 15 table 3-7: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view s) {
  auto octet = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned lead = octet(0);
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : lead >= 0xE0 && lead <= 0xEF ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (length == 0 || s.size() < length) return 0;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (octet(1) < low || octet(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((octet(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

/// Octets of `s` before the first one that is no letter, digit, sign or space of ASCII.
std::size_t graphic_length(std::string_view s) {
  std::size_t i = 0;
  while (i + sizeof(Octets) <= s.size()) {
    const Octets octets = octets_at(s.data() + i);
    if (any_set((octets < 0x20) | (octets >= 0x7F))) break;
    i += sizeof octets;
  }
  while (i < s.size() && s[i] >= 0x20 && s[i] < 0x7F) ++i;
  return i;
}

/// Characters that steer a terminal or reorder the text around them: C0, DEL, C1 (U+0080–9F), line and paragraph
/// separators and the bidirectional embeddings, overrides and isolates (U+2028–202E, U+2066–2069).
bool steers(std::string_view character) {
  auto octet = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return octet(0) < 0x20 || octet(0) == 0x7F;
  if (character.size() == 2) return octet(0) == 0xC2 && octet(1) < 0xA0;
  if (character.size() != 3 || octet(0) != 0xE2) return false;
  return (octet(1) == 0x80 && octet(2) >= 0xA8 && octet(2) <= 0xAE) ||
         (octet(1) == 0x81 && octet(2) >= 0xA6 && octet(2) <= 0xA9);
}

void append_escaped(std::string& out, std::string_view octets) {
  static constexpr char digits[] = "0123456789abcdef";
  for (char c : octets) {
    auto value = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[value >> 4];
    out += digits[value & 15];
  }
}

}  // namespace

std::size_t ascii_length(std::string_view s) {
  std::size_t i = 0;
  while (i + sizeof(Octets) <= s.size() && !any_set(octets_at(s.data() + i) >= 0x80)) i += sizeof(Octets);
  while (i < s.size() && static_cast<unsigned char>(s[i]) < 0x80) ++i;
  return i;
}

std::string printable(std::string_view s, std::size_t limit) {
  std::string out;
  std::size_t i = 0;
  while (i < s.size()) {
    if (const auto plain = std::min(graphic_length(s.substr(i)), limit - i); plain > 0) {
      out += s.substr(i, plain);
      i += plain;
      continue;
    }
    auto length = utf8_length(s.substr(i));
    auto character = s.substr(i, std::max<std::size_t>(length, 1));
    if (i + character.size() > limit) return out + "…";
    if (length == 0 || steers(character)) {
      append_escaped(out, character);
    } else {
      out += character;
    }
    i += character.size();
  }
  return out;
}

bool valid_utf8(std::string_view s) {
  for (;;) {
    s.remove_prefix(ascii_length(s));
    if (s.empty()) return true;
    auto length = utf8_length(s);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows suffice: a swap looks back two. No substring is edited twice ("optimal string alignment").
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string canonical_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return to_lower(name);
}

namespace {

/// "Bob <b@x.example>" and "<b@x.example>" are read as b@x.example.
std::string_view bare_address(std::string_view address) {
  address = trim(address);
  if (!address.ends_with('>')) return address;
  auto open = address.rfind('<');
  if (open == std::string_view::npos) return address;
  return trim(address.substr(open + 1, address.size() - open - 2));
}

}  // namespace

std::string domain_of(std::string_view address) {
  auto bare = bare_address(address);
  auto at = bare.rfind('@');
  return at == std::string_view::npos ? std::string() : canonical_name(bare.substr(at + 1));
}

std::string local_part_of(std::string_view address) {
  auto bare = bare_address(address);
  return std::string(bare.substr(0, bare.rfind('@')));
}

bool in_domain(std::string_view name, std::string_view domain) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || !iends_with(name, domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

}  // namespace smtpdx
