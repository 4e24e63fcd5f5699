// SPDX-License-Identifier: Apache-2.0
#include "mail/address.hpp"

#include "base/text.hpp"

namespace smtpdx::mail {
namespace {

constexpr std::size_t address_limit = 1000;  ///< octets: RFC 5321 §4.5.3.1.3 allows 254, hostile input sends megabytes

bool is_address_octet(char c) {
  unsigned char u = static_cast<unsigned char>(c);
  if (u >= 0x80) return true;
  if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

bool is_domain_octet(char c) {
  unsigned char u = static_cast<unsigned char>(c);
  return u >= 0x80 || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_';
}

void keep(std::string_view candidate, std::vector<std::string>& out) {
  candidate = trim(candidate);
  if (candidate.empty() || candidate.size() > address_limit) return;
  if (candidate.find('@') == std::string_view::npos) return;
  out.emplace_back(candidate);
}

}  // namespace

std::vector<std::string> addresses(std::string_view value) {
  std::vector<std::string> out;
  std::string bare;       // what stands outside of brackets, quotes and comments
  std::string bracketed;  // the <…> of the mailbox in hand
  bool have_bracket = false;
  int comment = 0;
  auto finish = [&] {
    keep(have_bracket ? bracketed : bare, out);
    bare.clear();
    bracketed.clear();
    have_bracket = false;
  };
  value = value.substr(0, 64 * 1024);
  for (std::size_t i = 0; i < value.size() && out.size() < 1000; ++i) {
    char c = value[i];
    if (comment > 0) {
      if (c == '\\')
        ++i;
      else if (c == '(')
        ++comment;
      else if (c == ')')
        --comment;
    } else if (c == '(') {
      ++comment;
    } else if (c == '"') {
      std::size_t begin = i++;
      while (i < value.size() && value[i] != '"') i += value[i] == '\\' ? 2 : 1;
      // A quoted local part ("a b"@example) belongs to the address, a quoted display name does not.
      if (i + 1 < value.size() && value[i + 1] == '@') bare += value.substr(begin, i + 1 - begin);
    } else if (c == '<') {
      std::size_t end = value.find('>', i);
      bracketed = value.substr(i + 1, end == std::string_view::npos ? end : end - i - 1);
      have_bracket = true;
      if (end == std::string_view::npos) break;
      i = end;
    } else if (c == ',' || c == ';') {
      finish();
    } else if (c == ':') {
      bare.clear();
    } else if (is_space(c)) {
      // "Name user@example" without brackets: the last word is the address.
      if (bare.find('@') == std::string::npos) bare.clear();
    } else {
      bare += c;
    }
  }
  finish();
  return out;
}

std::string first_address(std::string_view value) {
  auto list = addresses(value);
  return list.empty() ? std::string() : list.front();
}

std::string address_in(std::string_view text) {
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    std::size_t begin = at, end = at + 1;
    while (begin > 0 && at - begin < 256 && is_address_octet(text[begin - 1])) --begin;
    while (begin < at && std::string_view("'.{}`|=").find(text[begin]) != std::string_view::npos) ++begin;
    while (end < text.size() && end - at < 256 && is_domain_octet(text[end])) ++end;
    while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
    if (begin < at && end > at + 1) return std::string(text.substr(begin, end - begin));
  }
  return {};
}

std::string report_address(std::string_view value) {
  value = trim(value);
  if (std::size_t semicolon = value.find(';'); semicolon != std::string_view::npos && semicolon < 24)
    value = trim(value.substr(semicolon + 1));
  // Words after the address are remarks ("(expanded from …)").
  if (std::size_t open = value.find('<'); open != std::string_view::npos) {
    std::size_t close = value.find('>', open);
    value = value.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
  }
  if (value.starts_with('@')) {  // source route, RFC 5321 appendix C
    std::size_t colon = value.find(':');
    if (colon != std::string_view::npos) value = value.substr(colon + 1);
  }
  if (!value.starts_with('"')) value = value.substr(0, find_any(value, " \t\r\n"));
  if (value.size() > address_limit) return {};
  return std::string(trim(value));
}

}  // namespace smtpdx::mail
