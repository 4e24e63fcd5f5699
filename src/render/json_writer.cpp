// SPDX-License-Identifier: Apache-2.0
#include "render/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/octets.hpp"
#include "base/text.hpp"

namespace smtpdx::render {

namespace {

constexpr std::uint8_t no_ascii = 0x80, no_utf8 = 0xFF;

/// Octets of `s` before the first one that JSON escapes (RFC 8259 §7) or that is at least `beyond`.
std::size_t plain_length(std::string_view s, std::uint8_t beyond) {
  std::size_t i = 0;
  while (i + sizeof(Octets) <= s.size()) {
    const Octets octets = octets_at(s.data() + i);
    if (any_set((octets < 0x20) | (octets >= beyond) | (octets == '"') | (octets == '\\'))) break;
    i += sizeof octets;
  }
  for (; i < s.size() && s[i] != '"' && s[i] != '\\'; ++i) {
    const auto octet = static_cast<unsigned char>(s[i]);
    if (octet < 0x20 || octet >= beyond) break;
  }
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
    const auto plain = plain_length(value, no_utf8);
    out += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) return;
    append_escape(value[0], out);
    value.remove_prefix(1);
  }
}

}  // namespace

bool JsonWriter::wants_comma() const {
  return !out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':';
}

void JsonWriter::separate() {
  if (wants_comma()) out_ += ',';
}

/// In one piece, with all that belongs to it: most of what is written is short.
void JsonWriter::put(std::string_view octets, std::string_view end) {
  const bool comma = wants_comma();
  const std::size_t had = out_.size();
  out_.resize_and_overwrite(had + octets.size() + end.size() + 2, [&](char* begin, std::size_t) {
    char* at = begin + had;
    if (comma) *at++ = ',';
    *at++ = '"';
    at = std::copy(octets.begin(), octets.end(), at);
    at = std::copy(end.begin(), end.end(), at);
    return at - begin;
  });
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
}

void JsonWriter::close(char bracket) { out_ += bracket; }

JsonWriter& JsonWriter::key(std::string_view name) {
  put(name, "\":");
  return *this;
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::text(std::string_view value) {
  const std::size_t plain = plain_length(value, no_ascii);
  if (plain == value.size()) return put(value, "\"");
  if (!valid_utf8(value.substr(plain))) {
    // The library knows what to put in the place of broken octets.
    separate();
    out_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  put(value.substr(0, plain), {});
  append_escaped(value.substr(plain), out_);
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
