// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.hpp"

#include <cstdint>

#include "base/text.hpp"

namespace smtpdx {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits a base64 character stands for, -1 for any other octet (RFC 4648 §4).
int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t characters = 0, padding = 0;
  for (char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    int value = sextet(c);
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    ++characters;
    // The 2nd, 3rd and 4th character of a group each complete an octet and leave 4, 2 and 0 bits for the next.
    auto place = characters % 4;
    if (place == 1) continue;
    auto spare = place == 2 ? 4 : place == 3 ? 2 : 0;
    out += static_cast<char>(bits >> spare & 0xFF);
  }
  if (characters % 4 == 1) return std::nullopt;
  if (padding != 0 && (characters % 4 == 0 || padding != 4 - characters % 4)) return std::nullopt;
  return out;
}

std::string quoted_printable_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    char c = text[i];
    // Rule 3 of RFC 2045 §6.7: white space before a line end was added on the way; rule 5: "=" there joins the lines.
    if (c == '=' || c == ' ' || c == '\t') {
      auto blank = i + (c == '=' ? 1 : 0);
      while (blank < text.size() && (text[blank] == ' ' || text[blank] == '\t')) ++blank;
      auto end = blank;
      if (end < text.size() && text[end] == '\r') ++end;
      bool at_line_end = end < text.size() ? text[end] == '\n' : true;
      if (at_line_end && c == '=') {
        i = end < text.size() ? end + 1 : end;  // at the end of the text the line end may be the boundary's
        continue;
      }
      if (c != '=') {
        if (!at_line_end) out += text.substr(i, blank - i);
        i = blank;
        continue;
      }
    }
    if (c == '=' && i + 2 < text.size()) {
      int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 3;
        continue;
      }
    }
    out += c;
    ++i;
  }
  return out;
}

std::string hex_encode(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto value = static_cast<unsigned char>(c);
    out += digits[value >> 4];
    out += digits[value & 15];
  }
  return out;
}

}  // namespace smtpdx
