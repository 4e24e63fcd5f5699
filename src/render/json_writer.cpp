// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace smtpdx::render {

namespace {

/// Nothing that JSON escapes (RFC 8259 §7).
bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

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
    const auto plain = std::ranges::find_if_not(value, is_plain);
    out.append(value.begin(), plain);
    if (plain == value.end()) break;
    append_escape(*plain, out);
    value.remove_prefix(static_cast<std::size_t>(plain - value.begin()) + 1);
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
