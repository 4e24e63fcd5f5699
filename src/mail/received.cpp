// SPDX-License-Identifier: Apache-2.0
#include "mail/received.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "mail/date.hpp"

namespace smtpdx::mail {

namespace {

/// A word, or a comment with all that is nested in it.
struct Piece {
  std::string_view text;
  bool comment = false;
};

std::size_t comment_end(std::string_view s, std::size_t from) {
  int depth = 0;
  for (auto i = from; i < s.size(); ++i) {
    if (s[i] == '\\')
      ++i;
    else if (s[i] == '(')
      ++depth;
    else if (s[i] == ')' && --depth == 0)
      return i + 1;
  }
  return s.size();
}

std::vector<Piece> pieces_of(std::string_view s) {
  std::vector<Piece> pieces;
  std::size_t at = 0;
  while (at < s.size()) {
    if (is_space(s[at])) {
      ++at;
      continue;
    }
    const auto from = at;
    const bool comment = s[at] == '(';
    if (comment)
      at = comment_end(s, at);
    else
      while (at < s.size() && !is_space(s[at]) && (at == from || s[at] != '(')) ++at;
    pieces.push_back({s.substr(from, at - from), comment});
  }
  return pieces;
}

/// Where the date begins: after the last ";" outside of comments.
std::size_t date_at(std::string_view s) {
  auto found = std::string_view::npos;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '(')
      i = comment_end(s, i) - 1;
    else if (s[i] == ';')
      found = i;
  }
  return found;
}

std::string_view bare(std::string_view word) {
  while (!word.empty() && (word.front() == '(' || word.front() == '<' || word.front() == '[')) word.remove_prefix(1);
  while (!word.empty() && std::string_view(")>],;.").find(word.back()) != std::string_view::npos) word.remove_suffix(1);
  return word;
}

bool looks_like_host(std::string_view word) {
  if (word.find('.') == std::string_view::npos || word.size() > 253) return false;
  for (char c : word)
    if (!is_digit(c) && (ascii_lower(c) < 'a' || ascii_lower(c) > 'z') && c != '.' && c != '-' && c != '_')
      return false;
  return true;
}

/// "(host.example [192.0.2.1])", "([192.0.2.1] helo=x)", "(host. [2001:db8::1])", "(2001:db8::1)", "(x [1.2.3.4] (may
/// be forged))"
void read_client(std::string_view comment, Received& r) {
  for (auto word : split_words(comment)) {
    if (istarts_with(bare(word), "helo=")) {
      r.name = r.name.empty() && looks_like_host(r.from) ? r.from : r.name;
      r.from = std::string(bare(word).substr(5));
      continue;
    }
    const bool in_brackets = word.find('[') != std::string_view::npos;
    auto inner = in_brackets ? word.substr(word.find('[') + 1) : word;
    inner = bare(inner.substr(0, inner.find(']')));
    if (const auto address = IpAddress::parse(inner)) {
      if (!r.address || in_brackets) r.address = address;
    } else if (r.name.empty() && looks_like_host(inner)) {
      r.name = std::string(inner);
    }
  }
}

void read_tls(std::string_view text, Received& r) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
  for (auto at = text.find("TLS"); at != std::string_view::npos && r.tls.empty(); at = text.find("TLS", at + 3)) {
    const auto version = text.substr(at, std::min(text.find_first_not_of(letters, at), text.size()) - at);
    if (version.size() > 3 && (is_digit(version[3]) || version[3] == 'v')) r.tls = std::string(version);
  }
}

void read_protocol(Received& r) {
  const auto word = to_lower(r.with);
  r.authenticated =
      word.ends_with("smtpa") || word.ends_with("smtpsa") || word.ends_with("lmtpa") || word.ends_with("lmtpsa");
  const bool secure = word.ends_with("smtps") || word.ends_with("smtpsa") || word.ends_with("lmtps") || word == "https";
  if (secure && r.tls.empty()) r.tls = "yes";
}

}  // namespace

Received parse_received(std::string_view value) {
  Received r;
  value = value.substr(0, 16384);
  const auto end = date_at(value);
  if (end != std::string_view::npos) {
    r.date_text = printable(fold_space(value.substr(end + 1)), 100);
    r.date = parse_date(value.substr(end + 1));
  }
  std::string* target = nullptr;
  std::string_view clause;
  for (const auto& piece : pieces_of(value.substr(0, end))) {
    if (piece.comment) {
      if (clause == "from") read_client(piece.text.substr(1), r);
      read_tls(piece.text, r);
      continue;
    }
    std::string* const before = target;
    for (const auto& [word, to] :
         {std::pair{"from", &r.from}, {"by", &r.by}, {"with", &r.with}, {"id", &r.id}, {"for", &r.recipient}})
      if (iequals(piece.text, word)) {
        target = to;
        clause = word;
      }
    if (target != before || !target) continue;
    if (target->empty()) *target = std::string(clause == "id" || clause == "with" ? piece.text : bare(piece.text));
    if (clause == "from" && !r.address) r.address = IpAddress::parse(bare(piece.text));
  }
  read_protocol(r);
  return r;
}

}  // namespace smtpdx::mail
