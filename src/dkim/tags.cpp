// SPDX-License-Identifier: Apache-2.0
#include "dkim/tags.hpp"

#include "base/text.hpp"

namespace smtpdx::dkim {

namespace {

constexpr std::size_t most_tags = 500;

bool fws(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && fws(s.front())) s.remove_prefix(1);
  while (!s.empty() && fws(s.back())) s.remove_suffix(1);
  return s;
}

bool alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// tag-name = ALPHA *(ALPHA / DIGIT / "_")
bool is_name(std::string_view s) {
  if (s.empty() || !alpha(s.front())) return false;
  for (char c : s)
    if (!alpha(c) && !is_digit(c) && c != '_') return false;
  return true;
}

/// VALCHAR and folding white space; octets above 0x7f only as UTF-8.
bool is_value(std::string_view s) {
  bool high = false;
  for (char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (u == 0x7f || (u < 0x21 && !fws(c))) return false;
    high = high || u > 0x7f;
  }
  return !high || valid_utf8(s);
}

std::string cited(std::string_view s) { return "\"" + printable(trimmed(s), 60) + "\""; }

}  // namespace

TagList TagList::parse(std::string_view text) {
  TagList list;
  auto wrong = [&](TagError::Kind kind, std::string what) {
    list.error_ = TagError{kind, std::move(what)};
    return list;
  };
  auto rest = text;
  while (true) {
    const auto end = rest.find(';');
    const auto spec = rest.substr(0, end);
    const bool last = end == std::string_view::npos;
    if (trimmed(spec).empty()) {
      if (last && !list.tags_.empty()) return list;  // a final ";" is allowed
      return wrong(TagError::Kind::empty, list.tags_.empty() ? "holds no tag" : "has nothing between two \";\"");
    }
    const auto equals = spec.find('=');
    if (equals == std::string_view::npos) return wrong(TagError::Kind::no_equals, cited(spec) + " has no \"=\"");
    const Tag tag{trimmed(spec.substr(0, equals)), trimmed(spec.substr(equals + 1))};
    if (!is_name(tag.name)) return wrong(TagError::Kind::bad_name, cited(spec.substr(0, equals)) + " is no tag name");
    if (!is_value(tag.value))
      return wrong(TagError::Kind::bad_value, "the value of " + std::string(tag.name) + "= holds forbidden characters");
    if (list.find(tag.name))
      return wrong(TagError::Kind::duplicate, "the tag " + std::string(tag.name) + "= occurs twice");
    if (list.tags_.size() == most_tags) return wrong(TagError::Kind::bad_name, "has more than 500 tags");
    list.tags_.push_back(tag);
    if (last) return list;
    rest.remove_prefix(end + 1);
  }
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  for (const auto& tag : tags_)
    if (tag.name == name) return tag.value;
  return std::nullopt;
}

std::string without_space(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (char c : value)
    if (!fws(c)) out += c;
  return out;
}

std::vector<std::string_view> colon_list(std::string_view value) {
  auto parts = split(value, ':');
  for (auto& part : parts) part = trimmed(part);
  return parts;
}

Unsigned without_signature(std::string_view whole) {
  std::size_t at = whole.find(':') + 1;
  while (at < whole.size()) {
    const auto end = std::min(whole.find(';', at), whole.size());
    const auto spec = whole.substr(at, end - at);
    const auto equals = spec.find('=');
    if (equals != std::string_view::npos && trimmed(spec.substr(0, equals)) == "b")
      return {whole.substr(0, at + equals + 1), whole.substr(end)};
    at = end + 1;
  }
  return {whole, {}};
}

}  // namespace smtpdx::dkim
