// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx {

// ASCII only: protocol text is compared by octets, never by locale (RFC 5321 §2.4).

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }  ///< space, tab, CR, LF, VT, FF
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
std::string to_lower(std::string_view s);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view s, std::string_view prefix);
bool iends_with(std::string_view s, std::string_view suffix);
bool icontains(std::string_view haystack, std::string_view needle);
/// Position of `needle` in `haystack` at or after `from`, ASCII case ignored; npos where absent.
std::size_t ifind(std::string_view haystack, std::string_view needle, std::size_t from = 0);
/// Position of `needle` at or after `from`, case counts; npos where absent.
std::size_t find_exactly(std::string_view haystack, std::string_view needle, std::size_t from = 0);
/// Position of the first of a few octets at or after `from`, npos where there is none: for words and the like, where
/// find_first_of(), which calls a function for each octet, costs more than what is looked for.
constexpr std::size_t find_any(std::string_view s, std::string_view few, std::size_t from = 0) {
  for (; from < s.size(); ++from)
    for (char c : few)
      if (s[from] == c) return from;
  return std::string_view::npos;
}
/// Position of `one` or `other`, whichever comes first at or after `from`; npos where both are absent.
std::size_t find_either(std::string_view s, char one, char other, std::size_t from = 0);

std::string_view trim(std::string_view s);
/// Parts between separators; empty parts are kept ("a,,b" gives three).
std::vector<std::string_view> split(std::string_view s, char separator);
/// Words between runs of white space; no empty parts.
std::vector<std::string_view> split_words(std::string_view s);
/// Lines without their ends; LF, CRLF and a lone CR all end a line.
std::vector<std::string_view> split_lines(std::string_view s);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// White space runs become one space, both ends trimmed.
std::string fold_space(std::string_view s);
std::string replace_all(std::string s, std::string_view from, std::string_view to);

/// The whole of `s` as a decimal number; nullopt for anything else (sign, space, overflow).
std::optional<std::uint64_t> parse_number(std::string_view s);

/// For showing bytes from strangers: control characters (C0, C1, line separators, bidirectional overrides) and invalid
/// UTF-8 become \xNN, other valid UTF-8 stays.
/// At most `limit` bytes of `s` are shown; the cut is marked with "…".
std::string printable(std::string_view s, std::size_t limit = 2000);
bool valid_utf8(std::string_view s);
/// Octets before the first one above 0x7F.
std::size_t ascii_length(std::string_view s);

/// Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours), for "did you mean" and mistyped domains.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Lower case, without the final dot. Domain names are compared in this form.
std::string canonical_name(std::string_view name);
/// The domain part of an address, canonical; empty where there is none. "<>" gives empty.
std::string domain_of(std::string_view address);
/// Everything before the last "@"; the whole where there is none. Angle brackets and a display name are dropped first.
std::string local_part_of(std::string_view address);
/// True where `name` equals `domain` or lies below it. Nothing lies in an empty domain (it means "none", not the root).
bool in_domain(std::string_view name, std::string_view domain);

}  // namespace smtpdx
