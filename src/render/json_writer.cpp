// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace smtpdx::render {

namespace {

/// True where JSON may have to escape one of eight octets (RFC 8259 §7): `eight` less 0x20 borrows in an octet below
/// it, and one that equals '"' or '\\' is zero after the exclusive or.
bool may_need_escape(std::uint64_t eight) {
  constexpr std::uint64_t each = 0x0101010101010101, high = each * 0x80;
  const auto below = [&](std::uint64_t octets, std::uint64_t bound) {
    return (octets - each * bound) & ~octets & high;
  };
  return (below(eight, 0x20) | below(eight ^ each * '"', 1) | below(eight ^ each * '\\', 1)) != 0;
}

/// Octets of `s` before the first one that JSON escapes.
std::size_t plain_length(std::string_view s) {
  std::size_t i = 0;
  for (std::uint64_t eight = 0; i + sizeof eight <= s.size(); i += sizeof eight) {
    std::memcpy(&eight, s.data() + i, sizeof eight);
    if (may_need_escape(eight)) break;
  }
  while (i < s.size() && static_cast<unsigned char>(s[i]) >= 0x20 && s[i] != '"' && s[i] != '\\') ++i;
  return i;
}

void append_escape(char c, std::string& out) {
  constexpr std::string_view named = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt", digits = "0123456789abcdef";
  out += '\\';
  if (const auto at = named.find(c); at != std::string_view::npos) {
    out += letters[at];
    return;
  }
  out += "u00";
  out += digits[static_cast<unsigned char>(c) >> 4];
  out += digits[static_cast<unsigned char>(c) & 15];
}

void append_valid(std::string_view value, std::string& out) {
  out += '"';
  for (;;) {
    const auto plain = plain_length(value);
    out += value.substr(0, plain);
    if (plain == value.size()) break;
    append_escape(value[plain], out);
    value.remove_prefix(plain + 1);
  }
  out += '"';
}

}  // namespace

void JsonWriter::separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
}

void JsonWriter::close(char bracket) { out_ += bracket; }

JsonWriter& JsonWriter::key(std::string_view name) {
  text(name);
  out_ += ':';
  return *this;
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::text(std::string_view value) {
  separate();
  if (valid_utf8(value)) return append_valid(value, out_);
  // The library knows what to put in the place of broken octets.
  out_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonWriter::text_or_null(std::string_view value) { value.empty() ? null() : text(value); }

void JsonWriter::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void JsonWriter::number(double value) {
  separate();
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  const std::string_view written(digits, static_cast<std::size_t>(end - digits));
  out_ += written;
  if (written.find_first_not_of("-0123456789") == std::string_view::npos) out_ += ".0";  // stays a fraction to readers
}

}  // namespace smtpdx::render
