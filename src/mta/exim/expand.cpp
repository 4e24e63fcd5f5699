// SPDX-License-Identifier: Apache-2.0
#include "mta/exim/expand.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/expansion.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr std::size_t max_length = 256u << 10;

bool name_octet(char c) { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

void append(Text& to, const Text& part) {
  to.value += part.value;
  to.tainted = to.tainted || part.tainted;
  if (part.kind == Text::open && to.kind == Text::ok) {
    to.kind = Text::open;
    to.why = part.why;
  }
}

}  // namespace

bool holds_password(std::string_view text) { return text.find(password_mark) != std::string_view::npos; }

Text expand(Context& c, std::string_view text) {
  if (text.find_first_of("$\\") == std::string_view::npos) return Text{Text::ok, std::string(text), {}, false};
  const Level level(c);
  if (!level.fine()) return Text{Text::failed, {}, "too deep or too much work", false};
  return Expansion(c, text).whole();
}

Text Expansion::whole() {
  auto text = run(false, Mode::evaluate);
  return text ? std::move(*text) : stop_;
}

Expansion::Part Expansion::stop(Text::Kind kind, std::string why) {
  stop_ = Text{kind, {}, std::move(why), false};
  return std::nullopt;
}

void Expansion::spaces() {
  while (!at_end() && is_space(s_[at_])) ++at_;
}

bool Expansion::eat(char c) {
  if (at_end() || s_[at_] != c) return false;
  ++at_;
  return true;
}

std::string Expansion::name() {
  const auto begin = at_;
  while (!at_end() && name_octet(s_[at_])) ++at_;
  return std::string(s_.substr(begin, at_ - begin));
}

/// Behind a backslash. False where the string ends there.
bool Expansion::escape(std::string& out) {
  if (at_end()) return false;
  const char c = s_[at_++];
  if (c == 'N') {
    while (!at_end() && !s_.substr(at_).starts_with("\\N")) out += s_[at_++];
    at_ = std::min(at_ + 2, s_.size());
  } else if (c >= '0' && c <= '7') {
    int code = c - '0';
    for (int more = 0; more < 2 && !at_end() && s_[at_] >= '0' && s_[at_] <= '7'; ++more)
      code = code * 8 + (s_[at_++] - '0');
    out += static_cast<char>(code);
  } else if (c == 'x') {
    int code = 0;
    for (int more = 0; more < 2 && !at_end() && hex_digit(s_[at_]) >= 0; ++more)
      code = code * 16 + hex_digit(s_[at_++]);
    out += static_cast<char>(code);
  } else {
    static constexpr std::string_view letters = "nrtbfv", octets = "\n\r\t\b\f\v";
    const auto at = letters.find(c);
    out += at == std::string_view::npos ? c : octets[at];
  }
  return true;
}

Expansion::Part Expansion::run(bool inner, Mode mode, Dollar dollar) {
  const Level level(c_);
  if (!level.fine()) return wrong("too deep or too much work");
  Text out;
  while (!at_end()) {
    const char c = s_[at_];
    if (inner && c == '}') break;
    ++at_;
    if (c == '\\') {
      if (!escape(out.value)) return wrong("\\ at end of string");
    } else if (c != '$' || dollar == Dollar::literal) {
      out.value += c;
    } else {
      auto part = after_dollar(mode);
      if (!part) return part;
      if (mode == Mode::evaluate) append(out, *part);
    }
    if (out.value.size() > max_length) return wrong("the expanded string is huge");
  }
  return out;  // where skipped: what is literal in it
}

/// $h_name: and its kin: there is no header at this stage.
Expansion::Part Expansion::header(std::string_view) {
  while (!at_end() && s_[at_] != ':' && s_[at_] != '}' && !is_space(s_[at_])) ++at_;
  eat(':');
  return Text{};
}

Expansion::Part Expansion::after_dollar(Mode mode) {
  if (at_end()) return wrong("$ not followed by letter, digit, or {");
  if (s_[at_] == '{') {
    ++at_;
    return braced(mode);
  }
  std::string word;
  if (is_digit(s_[at_])) {
    while (!at_end() && is_digit(s_[at_])) word += s_[at_++];
  } else {
    word = name();
  }
  if (word.empty()) return wrong("$ not followed by letter, digit, or {");
  for (std::string_view prefix : {"h_", "header_", "rh_", "rheader_", "bh_", "bheader_", "lh_", "lheader_"})
    if (word.starts_with(prefix)) return header(prefix);
  if (mode == Mode::skip) return Text{};
  auto text = variable(c_, word);
  if (!text) return wrong("unknown variable name \"" + word + "\"");
  if (!text->good() && text->kind != Text::open) return stop(text->kind, text->why);
  return text;
}

/// Behind "${".
Expansion::Part Expansion::braced(Mode mode) {
  spaces();
  if (!at_end() && is_digit(s_[at_])) {
    auto text = after_dollar(mode);
    return text ? close(std::move(*text)) : text;
  }
  const auto start = at_;
  const auto word = name();
  for (std::string_view prefix : {"h_", "header_", "rh_", "rheader_", "bh_", "bheader_"})
    if (word.starts_with(prefix)) {
      auto text = header(prefix);
      return text ? close(std::move(*text)) : text;
    }
  if (eat('}')) {
    at_ = start;
    auto text = after_dollar(mode);
    return text ? close(std::move(*text)) : text;
  }
  if (eat(':')) {
    auto operand = run(true, mode);
    if (!operand) return operand;
    if (!eat('}')) return wrong("missing } at end of string");
    if (mode == Mode::skip) return Text{};
    auto text = apply_operator(c_, word, *operand);
    if (!text) return wrong("unknown expansion operator \"" + word + "\"");
    if (!text->good() && text->kind != Text::open) return stop(text->kind, text->why);
    return text;
  }
  return item(word, mode);
}

Expansion::Part Expansion::close(Text text) {
  spaces();
  if (!eat('}')) return wrong("missing }");
  return text;
}

std::optional<Text> Expansion::argument(Mode mode, Dollar dollar) {
  spaces();
  if (!eat('{')) return wrong("missing { for an argument");
  auto text = run(true, mode, dollar);
  if (!text) return text;
  if (!eat('}')) return wrong("missing } behind an argument");
  return text;
}

std::optional<std::vector<Text>> Expansion::arguments(std::size_t least, std::size_t most, Mode mode) {
  std::vector<Text> all;
  for (spaces(); all.size() < most && !at_end() && s_[at_] == '{'; spaces()) {
    auto text = argument(mode);
    if (!text) return std::nullopt;
    all.push_back(std::move(*text));
  }
  if (all.size() < least) {
    wrong("too few arguments");
    return std::nullopt;
  }
  return all;
}

}  // namespace smtpdx::mta::exim
