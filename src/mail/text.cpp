// SPDX-License-Identifier: Apache-2.0
#include "mail/text.hpp"

// Decoders that keep the way back to the input. They are tolerant because a report's words are worth more than its
// form: a bad quoted-printable escape stays as it stands, an octet outside base64's alphabet is skipped.
// base/encoding.hpp has the strict ones; these differ in tolerance and in the offsets.

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "base/text.hpp"

namespace smtpdx::mail {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

Text decode_base64(std::string_view body, std::size_t base, std::size_t limit) {
  Text out;
  std::uint32_t bits = 0;
  int have = 0;
  std::size_t first = 0;  // octet where the group of bits in hand began
  for (std::size_t i = 0; i < body.size(); ++i) {
    int value = base64_value(body[i]);
    if (value < 0) {
      if (body[i] == '=') have = 0;
      continue;
    }
    if (have == 0) first = i;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    if (out.octets().size() >= limit) {
      out.truncated = true;
      return out;
    }
    out.push(static_cast<char>((bits >> have) & 0xFF), base + first, std::min<std::size_t>(i + 1 - first, 255));
    first = i;
  }
  return out;
}

/// Length of a soft line break ("=" with optional white space and a line end) at `i`, 0 where there is none.
std::size_t soft_break(std::string_view body, std::size_t i) {
  std::size_t j = i + 1;
  while (j < body.size() && (body[j] == ' ' || body[j] == '\t')) ++j;
  if (j < body.size() && body[j] == '\r') {
    ++j;
    if (j < body.size() && body[j] == '\n') ++j;
    return j - i;
  }
  if (j < body.size() && body[j] == '\n') return j + 1 - i;
  return j >= body.size() ? j - i : 0;
}

Text decode_quoted_printable(std::string_view body, std::size_t base, std::size_t limit) {
  Text out;
  for (std::size_t i = 0; i < body.size();) {
    if (out.octets().size() >= limit) {
      out.truncated = true;
      return out;
    }
    if (body[i] == '=') {
      if (i + 2 < body.size() && hex_value(body[i + 1]) >= 0 && hex_value(body[i + 2]) >= 0) {
        out.push(static_cast<char>(hex_value(body[i + 1]) * 16 + hex_value(body[i + 2])), base + i, 3);
        i += 3;
        continue;
      }
      if (std::size_t n = soft_break(body, i); n > 0) {
        i += n;
        continue;
      }
    }
    const std::size_t plain = std::min(body.find('=', i + 1), body.size()) - i;
    const std::size_t length = std::min(plain, limit - out.octets().size());
    out.append(body.substr(i, length), base + i);
    i += length;
  }
  return out;
}

struct Entity {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Entity, 7> entities = {
    {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}, {"shy", ""}}};

void push_code_point(Text& out, std::uint32_t point, std::size_t origin, std::size_t width) {
  auto push = [&](std::uint32_t octet) { out.push(static_cast<char>(octet), origin, width); };
  if (point < 0x80) {
    push(point == 0xA0 ? ' ' : point);
  } else if (point == 0xA0) {
    push(' ');
  } else if (point < 0x800) {
    push(0xC0 | (point >> 6));
    push(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    push(0xE0 | (point >> 12));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  }
}

/// Reads "&…;" at `i`, appends its text and returns its length; 0 where it is no entity.
std::size_t take_entity(const Text& source, std::size_t i, Text& out) {
  std::string_view html = source.view();
  std::size_t origin = source.origin(i);
  std::size_t end = html.substr(0, std::min(html.size(), i + 12)).find(';', i);
  if (end == std::string_view::npos) return 0;
  std::size_t width = std::min<std::size_t>(source.origin(end) + source.width(end) - origin, 255);
  std::string_view name = html.substr(i + 1, end - i - 1);
  if (name.starts_with('#')) {
    std::uint32_t point = 0;
    bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    for (char c : name.substr(hex ? 2 : 1)) {
      int digit = hex_value(c);
      if (digit < 0 || (!hex && digit > 9)) return 0;
      point = point * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
      if (point > 0xFFFF) return 0;
    }
    push_code_point(out, point, origin, width);
    return end + 1 - i;
  }
  for (const auto& entity : entities) {
    if (entity.name != name) continue;
    for (char c : entity.text) out.push(c, origin, width);
    return end + 1 - i;
  }
  return 0;
}

bool is_block_tag(std::string_view tag) {
  static constexpr std::string_view names[] = {"br", "p",  "div", "tr",    "li",         "h1",  "h2",
                                               "h3", "ul", "ol",  "table", "blockquote", "pre", "/p"};
  std::string_view name = tag;
  if (name.starts_with('/')) name.remove_prefix(1);
  std::size_t end = 0;
  while (end < name.size() && !is_space(name[end]) && name[end] != '/' && name[end] != '>') ++end;
  name = name.substr(0, end);
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view n) { return iequals(n, name); });
}

}  // namespace

/// The next octet's way back: it goes on with the last run or begins one.
void Text::note(std::size_t origin, std::size_t width) {
  const std::size_t end = octets_.size();
  if (!runs_.empty() && runs_.back().width == width) {
    Run& last = runs_.back();
    const std::size_t count = end - last.begin;
    if (origin == last.origin + count * last.step) return;
    if (origin == last.origin && count == 1) {
      last.step = 0;
      return;
    }
  }
  runs_.push_back(
      {static_cast<std::uint32_t>(end), static_cast<std::uint32_t>(origin), static_cast<std::uint8_t>(width), 1});
}

void Text::append(std::string_view octets, std::size_t origin) {
  if (octets.empty()) return;
  const bool straight = !runs_.empty() && runs_.back().width == 1 && runs_.back().step == 1 &&
                        runs_.back().origin + (octets_.size() - runs_.back().begin) == origin;
  if (!straight)
    runs_.push_back({static_cast<std::uint32_t>(octets_.size()), static_cast<std::uint32_t>(origin), 1, 1});
  octets_ += octets;
}

void Text::append(const Text& other, std::size_t from, std::size_t length) {
  const std::size_t end = from + length;
  for (std::size_t i = other.run_of(from); from < end; ++i) {
    const Run& run = other.runs_[i];
    const std::size_t stop = i + 1 < other.runs_.size() ? std::min<std::size_t>(other.runs_[i + 1].begin, end) : end;
    const std::size_t origin = run.origin + (from - run.begin) * run.step;
    if (run.width == 1 && run.step == 1) {
      append(other.view().substr(from, stop - from), origin);
    } else {
      runs_.push_back(
          {static_cast<std::uint32_t>(octets_.size()), static_cast<std::uint32_t>(origin), run.width, run.step});
      octets_.append(other.octets_, from, stop - from);
    }
    from = stop;
  }
}

void Text::shorten(std::size_t length) {
  if (length >= octets_.size()) return;
  octets_.resize(length);
  while (!runs_.empty() && runs_.back().begin >= length) runs_.pop_back();
}

/// There is at least one octet.
std::size_t Text::run_of(std::size_t index) const {
  auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                [](std::size_t at, const Run& run) { return at < run.begin; });
  return static_cast<std::size_t>(after - runs_.begin()) - 1;
}

std::size_t Text::width(std::size_t index) const { return runs_[run_of(index)].width; }

std::size_t Text::origin(std::size_t index) const {
  if (octets_.empty()) return runs_.empty() ? 0 : runs_.front().origin;
  if (index >= octets_.size()) return origin(octets_.size() - 1) + runs_.back().width;
  const Run& run = runs_[run_of(index)];
  return run.origin + (index - run.begin) * run.step;
}

std::pair<std::size_t, std::size_t> Text::range(std::size_t from, std::size_t length) const {
  if (length == 0) return {origin(from), 0};
  std::size_t begin = origin(from), last = from + length - 1;
  return {begin, origin(last) + width(last) - begin};
}

Text decode(std::string_view body, std::string_view encoding, std::size_t base, std::size_t limit) {
  if (encoding == "base64") return decode_base64(body, base, limit);
  if (encoding == "quoted-printable") return decode_quoted_printable(body, base, limit);
  Text out(std::string(body.substr(0, limit)), base);
  out.truncated = body.size() > limit;
  return out;
}

Text decode_body(const Part& part, std::size_t limit) {
  return decode(part.body, part.transfer_encoding(), part.body_offset, limit);
}

Text html_to_text(const Text& html) {
  Text out;
  std::string_view in = html.view();
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] == '<' && i + 1 < in.size() &&
        (in[i + 1] == '/' || in[i + 1] == '!' || ascii_lower(in[i + 1]) != in[i + 1] ||
         (in[i + 1] >= 'a' && in[i + 1] <= 'z'))) {
      // An address in angle brackets, left unescaped, is text and no tag.
      std::size_t end = find_any(in, "<>@", i + 1);
      if (end != std::string_view::npos && in[end] == '@' && find_any(in.substr(i, end - i), " =\"") == in.npos) {
        out.append(html, i, 1);
        ++i;
        continue;
      }
      end = in.find('>', i);
      if (end == std::string_view::npos) break;
      std::string_view tag = in.substr(i + 1, end - i - 1);
      if (is_block_tag(tag)) out.push('\n', html.origin(i));
      if (istarts_with(tag, "style") || istarts_with(tag, "script")) {
        std::size_t close = ifind(in, istarts_with(tag, "style") ? "</style" : "</script", end);
        if (close == std::string_view::npos) break;
        i = close;
        continue;
      }
      i = end + 1;
      continue;
    }
    if (in[i] == '&') {
      if (std::size_t n = take_entity(html, i, out); n > 0) {
        i += n;
        continue;
      }
    }
    const std::size_t plain = std::min(find_either(in, '<', '&', i + 1), in.size()) - i;
    out.append(html, i, plain);
    i += plain;
  }
  return out;
}

Text without_quote_marks(const Text& text) {
  Text out;
  std::string_view in = text.view();
  for (std::size_t at = 0; at < in.size();) {
    while (at < in.size() && in[at] == '>') {
      ++at;
      if (at < in.size() && in[at] == ' ') ++at;
    }
    const std::size_t end = std::min(find_either(in, '\r', '\n', at), in.size()), next = std::min(end + 1, in.size());
    out.append(text, at, next - at);
    at = next;
  }
  return out;
}

Text quoted_lines(const Text& text) {
  Text out;
  std::string_view in = text.view();
  std::size_t end = 0;  // of `out`, after its last quoted line
  bool begun = false;
  for (std::size_t at = 0; at < in.size();) {
    std::size_t stop = std::min(find_either(in, '\r', '\n', at), in.size());
    std::size_t next = std::min(stop + (in.substr(stop, 2) == "\r\n" ? 2 : 1), in.size());
    bool quoted = in[at] == '>';
    begun = begun || quoted;
    std::size_t from = quoted ? at + 1 : at;
    if (quoted && from < stop && in[from] == ' ') ++from;
    if (begun) out.append(text, from, next - from);
    if (quoted) end = out.octets().size();
    at = next;
  }
  out.shorten(end);
  return out;
}

Text slice(const Text& text, std::size_t from) {
  Text out;
  from = std::min(from, text.octets().size());
  out.append(text, from, text.octets().size() - from);
  return out;
}

}  // namespace smtpdx::mail
