// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/octets.hpp"
#include "base/text.hpp"

namespace smtpdx::render {

namespace {

/// Octets of `s` before the first one that JSON escapes (RFC 8259 §7).
std::size_t plain_length(std::string_view s) {
  std::size_t i = 0;
  while (i + sizeof(Octets) <= s.size()) {
    const Octets octets = octets_at(s.data() + i);
    if (any_set((octets < 0x20) | (octets == '"') | (octets == '\\'))) break;
    i += sizeof octets;
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

/// Valid UTF-8 with something to escape in it.
void append_escaped(std::string_view value, std::string& out) {
  while (!value.empty()) {
    const auto plain = plain_length(value);
    out += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) return;
    append_escape(value[0], out);
    value.remove_prefix(1);
  }
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
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  return *this;
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::text(std::string_view value) {
  separate();
  if (!valid_utf8(value)) {
    // The library knows what to put in the place of broken octets.
    out_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out_ += '"';
  append_escaped(value, out_);
  out_ += '"';
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
