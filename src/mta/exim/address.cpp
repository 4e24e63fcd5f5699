// SPDX-License-Identifier: Apache-2.0
//
// The grammar is RFC 5322's with Exim's liberties: dots may follow each other in a local part, routes are dropped.

#include "mta/exim/address.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"

namespace smtpdx::mta::exim {
namespace {

bool special(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet < 33 || octet == 127 || std::string_view("()<>@,;:\\\"[]").find(c) != std::string_view::npos;
}

class Parser {
 public:
  Parser(std::string_view text, const PathRules& rules) : s_(text), rules_(rules) {}

  Path run() {
    spaces();
    unsigned angles = 0;
    while (peek() == '<' && (angles == 0 || rules_.strip_angles)) {
      ++angles;
      ++at_;
      spaces();
    }
    if (peek() == '>' && angles > 0) {
      path_.empty = true;
      return path_;
    }
    if (peek() == '@' && !route()) return std::move(path_);
    if (!local_part()) return std::move(path_);
    if (peek() == '@') {
      ++at_;
      if (!domain()) return std::move(path_);
    } else if (peek() != '>' && peek() != '\0') {
      return wrong("malformed address: " + std::string(s_.substr(at_, 32)) + " may not follow " +
                   std::string(s_.substr(0, at_)));
    }
    spaces();
    while (angles > 0 && peek() == '>') {
      --angles;
      ++at_;
    }
    if (angles > 0) return wrong("'>' missing at end of address");
    spaces();
    if (at_ < s_.size())
      return wrong("malformed address: " + std::string(s_.substr(at_, 32)) + " may not follow " +
                   std::string(s_.substr(0, at_)));
    path_.written = written_ + (path_.domain.empty() ? "" : "@" + path_.domain);
    return std::move(path_);
  }

 private:
  char peek() const { return at_ < s_.size() ? s_[at_] : '\0'; }
  void spaces() {
    while (at_ < s_.size() && is_space(s_[at_])) ++at_;
    if (peek() != '(') return;
    unsigned depth = 0;
    while (at_ < s_.size()) {
      if (s_[at_] == '(') ++depth;
      if (s_[at_] == '\\')
        ++at_;
      else if (s_[at_] == ')' && --depth == 0)
        break;
      ++at_;
    }
    ++at_;
    spaces();
  }
  Path wrong(std::string why) {
    path_.problem = std::move(why);
    return std::move(path_);
  }
  bool bad(const char* why) {
    path_.problem = why;
    return false;
  }

  /// "@a,@b:" of RFC 821.
  bool route() {
    while (peek() == '@') {
      ++at_;
      std::string host;
      if (!host_name(host)) return false;
      spaces();
      if (peek() == ',') ++at_;
      spaces();
      if (peek() == ':') {
        ++at_;
        return true;
      }
    }
    return bad("route must end with a colon") || false;
  }

  bool local_part() {
    spaces();
    bool any = false;
    while (true) {
      if (peek() == '"') {
        if (!quoted()) return false;
      } else {
        const auto begin = at_;
        while (at_ < s_.size() && !special(s_[at_]) && s_[at_] != '.') written_ += s_[at_++];
        path_.local_part += s_.substr(begin, at_ - begin);
        if (at_ == begin && peek() != '.' && (!any || (peek() != '@' && peek() != '>' && peek() != '\0')))
          return bad("missing or malformed local part");
      }
      any = true;
      spaces();
      if (peek() != '.') return true;
      while (peek() == '.') {
        path_.local_part += '.';
        written_ += s_[at_++];
      }
      spaces();
    }
  }

  bool quoted() {
    written_ += s_[at_++];
    while (peek() != '"') {
      if (at_ >= s_.size()) return bad("unmatched doublequote in local part");
      if (peek() == '\\') {
        written_ += s_[at_++];
        if (at_ >= s_.size()) return bad("unmatched doublequote in local part");
      }
      path_.local_part += s_[at_];
      written_ += s_[at_++];
    }
    written_ += s_[at_++];
    return true;
  }

  bool host_name(std::string& out) {
    if (peek() == '[') return literal(out);
    while (true) {
      const auto begin = at_;
      while (at_ < s_.size() && !special(s_[at_]) && s_[at_] != '.') out += s_[at_++];
      if (at_ == begin) return bad("domain missing or malformed");
      if (peek() != '.') return true;
      ++at_;
      if (rules_.strip_dot && (at_ == s_.size() || s_[at_] == '>')) return true;
      out += '.';
    }
  }

  bool literal(std::string& out) {
    if (!rules_.literals) return bad("domain literals not allowed");
    const auto close = s_.find(']', at_);
    if (close == std::string_view::npos) return bad("] missing at end of domain literal");
    const auto inner = s_.substr(at_ + 1, close - at_ - 1);
    if (!IpAddress::parse(inner)) return bad("malformed domain literal");
    out = s_.substr(at_, close + 1 - at_);
    at_ = close + 1;
    return true;
  }

  bool domain() {
    spaces();
    return host_name(path_.domain);
  }

  std::string_view s_;
  const PathRules& rules_;
  std::size_t at_ = 0;
  Path path_;
  std::string written_;
};

}  // namespace

Path parse_path(std::string_view text, const PathRules& rules) {
  auto path = Parser(text, rules).run();
  if (path.good() && !path.empty && path.domain.empty() && !rules.unqualified) path.problem = "unqualified";
  return path;
}

std::string quote_local_part(const std::string& local_part) {
  const bool plain = !local_part.empty() && local_part.front() != '.' && local_part.back() != '.' &&
                     std::none_of(local_part.begin(), local_part.end(), special);
  if (plain) return local_part;
  std::string out = "\"";
  for (char c : local_part) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string domain_part(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string() : std::string(address.substr(at + 1));
}

std::string local_part_part(std::string_view address) { return std::string(address.substr(0, address.rfind('@'))); }

}  // namespace smtpdx::mta::exim
