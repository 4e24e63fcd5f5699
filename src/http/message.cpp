// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

// Boost 1.81's string_view needs the definition of ostream and does not include it.
#include <ostream>

#include <boost/beast/http/status.hpp>

#include "base/text.hpp"

namespace smtpdx::http {

std::string_view Request::field(std::string_view name) const {
  for (const auto& [n, v] : fields)
    if (iequals(n, name)) return v;
  return {};
}

bool Request::has(std::string_view name) const { return count(name) != 0; }

std::size_t Request::count(std::string_view name) const {
  std::size_t n = 0;
  for (const auto& f : fields) n += iequals(f.first, name) ? 1 : 0;
  return n;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (auto part : split(query, '&')) {
    const auto equals = part.find('=');
    const auto key = percent_decoded(part.substr(0, equals));
    if (!key || *key != name) continue;
    return percent_decoded(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<std::string> Request::cookie(std::string_view name) const {
  for (auto part : split(field("cookie"), ';')) {
    part = trim(part);
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name) return std::string(part.substr(equals + 1));
  }
  return std::nullopt;
}

namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool harmless(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos; }

std::string status_line(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) + "\r\n";
}

void append_fields(const Fields& fields, std::string& out) {
  for (const auto& [name, value] : fields) {
    if (!harmless(name) || !harmless(value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
}
}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string_view reason_phrase(int status) {
  const auto words = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {words.data(), words.size()};
}

std::string head_of(const Response& response, std::size_t body_size, bool keep_alive) {
  std::string out = status_line(response.status);
  append_fields(response.fields, out);
  // RFC 9110 §8.6: no Content-Length in a 204.
  if (response.status != 204 && response.status != 304) out += "Content-Length: " + std::to_string(body_size) + "\r\n";
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return out;
}

std::string stream_head(int status, const Fields& fields) {
  std::string out = status_line(status);
  append_fields(fields, out);
  return out + "Connection: close\r\n\r\n";
}

}  // namespace smtpdx::http
