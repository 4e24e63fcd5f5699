// SPDX-License-Identifier: Apache-2.0
#include "spf/macro.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.hpp"

namespace smtpdx::spf {

namespace {

constexpr std::string_view letters = "slodiphcrtv";
constexpr std::string_view delimiters = ".-+,/_=";
constexpr std::size_t longest_name = 253;

/// "%{d2r.-}" taken apart.
struct Macro {
  char letter = 0;
  bool escaped = false;  ///< upper case: the result is percent-encoded (§7.3)
  bool reversed = false;
  std::size_t parts = 0;   ///< right-hand parts to keep; 0: all
  std::string_view split;  ///< delimiters; empty means "."
  std::size_t length = 0;  ///< of the whole macro
};

bool in(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

/// The digits of a transformer; nullopt for zero, which §7.1 forbids. No name has more parts than the cap.
std::optional<std::size_t> part_count(std::string_view digits) {
  constexpr std::size_t cap = 100'000;
  std::size_t value = 0;
  for (char c : digits) value = std::min(cap, value * 10 + static_cast<std::size_t>(c - '0'));
  if (value == 0) return std::nullopt;
  return value;
}

/// Reads what begins with "%{"; nullopt where it is no macro.
std::optional<Macro> read_macro(std::string_view text) {
  Macro macro;
  std::size_t at = 2;
  if (at >= text.size() || !in(letters, ascii_lower(text[at]))) return std::nullopt;
  macro.letter = ascii_lower(text[at]);
  macro.escaped = text[at] != macro.letter;
  const auto digits = ++at;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at > digits) {
    const auto count = part_count(text.substr(digits, at - digits));
    if (!count) return std::nullopt;
    macro.parts = *count;
  }
  macro.reversed = at < text.size() && ascii_lower(text[at]) == 'r';
  if (macro.reversed) ++at;
  const auto split = at;
  while (at < text.size() && in(delimiters, text[at])) ++at;
  macro.split = text.substr(split, at - split);
  if (at >= text.size() || text[at] != '}') return std::nullopt;
  macro.length = at + 1;
  return macro;
}

/// "%%", "%_", "%-".
std::string_view fixed_text(std::string_view text) {
  if (text.size() < 2) return {};
  return text[1] == '%' ? "%" : text[1] == '_' ? " " : text[1] == '-' ? "%20" : "";
}

/// IPv6 nibbles in upper case, as the field's test suite has them; in DNS the case means nothing (§7.3).
std::string dotted_address(const IpAddress& client) {
  if (!client.is_v6()) return client.to_string();
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  out.reserve(64);
  for (char octet : client.bytes()) {
    const auto value = static_cast<unsigned char>(octet);
    for (auto nibble : {value >> 4, value & 15}) {
      if (!out.empty()) out += '.';
      out += hex[static_cast<std::size_t>(nibble)];
    }
  }
  return out;
}

/// `buffer` holds what has to be made first.
std::string_view value_of(char letter, const MacroValues& v, std::string& buffer) {
  switch (letter) {
    case 's':
      return v.sender;
    case 'l':
      return v.local_part;
    case 'o':
      return v.sender_domain;
    case 'd':
      return v.domain;
    case 'i':
      return buffer = dotted_address(v.client);
    case 'p':
      return v.validated;
    case 'v':
      return v.client.is_v6() ? "ip6" : "in-addr";
    case 'h':
      return v.helo;
    case 'c':
      return buffer = v.client.to_string();
    case 'r':
      return v.receiver;
    default:
      return buffer = std::to_string(v.seconds);
  }
}

std::string transformed(std::string_view value, const Macro& macro) {
  const auto split = macro.split.empty() ? std::string_view(".") : macro.split;
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const auto to = value.find_first_of(split, from);
    parts.push_back(value.substr(from, to - from));
    if (to == std::string_view::npos) break;
    from = to + 1;
  }
  if (macro.reversed) std::ranges::reverse(parts);
  const auto keep = macro.parts == 0 ? parts.size() : std::min(macro.parts, parts.size());
  std::string out;
  for (auto i = parts.size() - keep; i < parts.size(); ++i) {
    if (i > parts.size() - keep) out += '.';
    out += parts[i];
  }
  return out;
}

/// RFC 3986 §2.3: all but the unreserved characters.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const char lower = ascii_lower(c);
    if ((lower >= 'a' && lower <= 'z') || is_digit(c) || in("-._~", c)) {
      out += c;
    } else {
      out += '%';
      out += hex[octet >> 4];
      out += hex[octet & 15];
    }
  }
  return out;
}

std::string expanded(const Macro& macro, const MacroValues& values) {
  std::string buffer;
  const auto value = value_of(macro.letter, values, buffer);
  const bool plain = macro.parts == 0 && !macro.reversed && macro.split.empty();
  auto out = plain ? std::string(value) : transformed(value, macro);
  return macro.escaped ? percent_encoded(out) : out;
}

}  // namespace

MacroCheck check_macros(std::string_view text, MacroUse use) {
  MacroCheck check;
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', check.tail)) {
    const auto rest = text.substr(at);
    check.at = at;
    if (!fixed_text(rest).empty()) {
      check.tail = at + 2;
      continue;
    }
    const auto macro = rest.starts_with("%{") ? read_macro(rest) : std::nullopt;
    if (!macro) {
      const auto close = rest.starts_with("%{") ? rest.find('}') : 1;
      check.fault = MacroFault::bad_macro;
      check.length = std::min(close == std::string_view::npos ? rest.size() : close + 1, rest.size());
      return check;
    }
    if (use == MacroUse::domain && in("crt", macro->letter)) {
      check.fault = MacroFault::only_in_explanation;
      check.length = macro->length;
      return check;
    }
    check.tail = at + macro->length;
  }
  return check;
}

bool uses_macro(std::string_view text, char letter) {
  for (auto at = text.find("%"); at != std::string_view::npos && at + 1 < text.size(); at = text.find('%', at + 2))
    if (at + 2 < text.size() && text[at + 1] == '{' && ascii_lower(text[at + 2]) == letter) return true;
  return false;
}

std::string expand_macros(std::string_view text, const MacroValues& values) {
  std::string out;
  while (!text.empty()) {
    const auto at = std::min(text.find('%'), text.size());
    out += text.substr(0, at);
    text.remove_prefix(at);
    if (text.empty()) break;
    if (const auto fixed = fixed_text(text); !fixed.empty()) {
      out += fixed;
      text.remove_prefix(2);
    } else if (const auto macro = text.starts_with("%{") ? read_macro(text) : std::nullopt) {
      out += expanded(*macro, values);
      text.remove_prefix(macro->length);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string expand_domain(std::string_view text, const MacroValues& values) {
  auto name = expand_macros(text, values);
  if (name.ends_with('.')) name.pop_back();
  if (name.size() > longest_name) {
    const auto dot = name.find('.', name.size() - longest_name - 1);
    if (dot != std::string::npos) name.erase(0, dot + 1);
  }
  return name;
}

}  // namespace smtpdx::spf
