// SPDX-License-Identifier: Apache-2.0
#include "mail/message.hpp"

// The raw splitter. Bounces are the worst-formed mail there is, so each rule here is the most forgiving one that still
// ends: a header ends at the first line that cannot belong to it, a part without its closing boundary ends with its
// parent, an unknown structure is one opaque body. All searches are linear in their range (memchr, find_exactly) and
// every range is searched once per nesting level, so 20 levels bound the time. Not done: decoding (transfer.hpp),
// charsets, RFC 2231 continuations (no delivery report needs them).

#include "base/text.hpp"

namespace smtpdx::mail {
namespace {

constexpr std::size_t value_limit = 64 * 1024;

bool is_field_name_octet(char c) { return c > ' ' && c < 127 && c != ':'; }

/// Length of a field name at the start of the line, 0 where there is none. "Name :" with space before the colon, which
/// obsolete syntax allows (RFC 5322 §4.5), counts.
std::size_t field_name_length(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && i < 200 && is_field_name_octet(line[i])) ++i;
  if (i == 0) return 0;
  std::size_t colon = i;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  return colon < line.size() && line[colon] == ':' ? i : 0;
}

struct Delimiter {
  std::size_t begin = 0;  ///< of the "--", within the body
  std::size_t next = 0;   ///< first octet of the line after it
  bool closing = false;
};

/// Finds the next line that is "--boundary" or "--boundary--" (RFC 2046 §5.1.1), white space after it allowed.
bool find_delimiter(std::string_view body, std::string_view dash_boundary, std::size_t from, Delimiter& out) {
  for (std::size_t at = find_exactly(body, dash_boundary, from); at != std::string_view::npos;
       at = find_exactly(body, dash_boundary, at + 1)) {
    if (at > 0 && body[at - 1] != '\n' && body[at - 1] != '\r') continue;
    std::size_t i = at + dash_boundary.size();
    out.closing = body.substr(i, 2) == "--";
    if (out.closing) i += 2;
    while (i < body.size() && (body[i] == ' ' || body[i] == '\t')) ++i;
    if (i < body.size() && body[i] != '\r' && body[i] != '\n') continue;
    if (i < body.size() && body[i] == '\r') ++i;
    if (i < body.size() && body[i] == '\n') ++i;
    out.begin = at;
    out.next = i;
    return true;
  }
  return false;
}

/// The line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1).
std::size_t without_line_end(std::string_view body, std::size_t begin, std::size_t end) {
  if (end > begin && body[end - 1] == '\n') --end;
  if (end > begin && body[end - 1] == '\r') --end;
  return end;
}

/// The boundary that the body really uses, for a message that declares none or one that never occurs: the first "--…"
/// line that a "Content-…" line follows. Empty where there is none.
std::string guess_boundary(std::string_view body) {
  LineReader reader(body, line_end_of(body.substr(0, 64 * 1024)));
  std::string_view line, before;
  for (int lines = 0; lines < 2000 && reader.next(line); ++lines) {
    if (istarts_with(line, "content-") && before.size() > 2 && before.size() < 200 && before.starts_with("--"))
      return std::string(trim(before.substr(2)));
    before = line;
  }
  return {};
}

class Splitter {
 public:
  Splitter(std::string_view octets, const Limits& limits) : octets_(octets), limits_(limits) {}

  Part part(std::size_t from, std::size_t to, int depth) {
    Part part;
    part.depth = depth;
    part.header = parse_header(octets_.substr(0, to), from, limits_);
    if (part.header.truncated) note("a header has more than " + std::to_string(limits_.header_lines) + " lines");
    if (const Field* type = part.header.find("Content-Type")) part.content_type = ContentType::parse(type->value());
    part.body_offset = part.header.end;
    part.body = octets_.substr(part.body_offset, to - part.body_offset);
    ++count_;
    if (part.is_multipart())
      split_multipart(part);
    else if (part.is_message())
      open_message(part);
    return part;
  }

  std::vector<std::string> notes;

 private:
  void note(std::string text) {
    for (const auto& known : notes)
      if (known == text) return;
    notes.push_back(std::move(text));
  }

  bool may_go_deeper(const Part& part) {
    if (part.depth + 1 > limits_.nesting) {
      note("parts are nested deeper than " + std::to_string(limits_.nesting));
      return false;
    }
    if (count_ >= limits_.parts) {
      note("more than " + std::to_string(limits_.parts) + " parts");
      return false;
    }
    return true;
  }

  void open_message(Part& outer) {
    std::string encoding = outer.transfer_encoding();
    if (encoding == "base64" || encoding == "quoted-printable" || !may_go_deeper(outer)) return;
    outer.parts.push_back(part(outer.body_offset, outer.body_offset + outer.body.size(), outer.depth + 1));
  }

  void split_multipart(Part& outer) {
    std::string boundary = outer.content_type.parameter("boundary");
    if (boundary.empty() || boundary.size() > 250) {
      note("a multipart without a usable boundary");
      boundary = guess_boundary(outer.body);
      if (boundary.empty()) return;
    }
    std::string dash_boundary = "--" + boundary;
    Delimiter now, next;
    if (!find_delimiter(outer.body, dash_boundary, 0, now)) {
      note("a multipart whose boundary never occurs");
      dash_boundary = "--" + guess_boundary(outer.body);
      if (dash_boundary.size() == 2 || !find_delimiter(outer.body, dash_boundary, 0, now)) return;
    }
    while (!now.closing && may_go_deeper(outer)) {
      bool more = find_delimiter(outer.body, dash_boundary, now.next, next);
      std::size_t end = more ? without_line_end(outer.body, now.next, next.begin) : outer.body.size();
      outer.parts.push_back(part(outer.body_offset + now.next, outer.body_offset + end, outer.depth + 1));
      if (!more) {
        note(std::string(note_unclosed));
        return;
      }
      now = next;
    }
  }

  std::string_view octets_;
  const Limits& limits_;
  std::size_t count_ = 0;
};

}  // namespace

LineEnd line_end_of(std::string_view octets) {
  if (octets.find('\n') != std::string_view::npos) return LineEnd::lf;
  return octets.find('\r') != std::string_view::npos ? LineEnd::cr : LineEnd::lf;
}

bool LineReader::next(std::string_view& line) {
  if (at_ >= octets_.size()) return false;
  line_offset_ = at_;
  std::size_t end = octets_.find(end_ == LineEnd::lf ? '\n' : '\r', at_);
  std::size_t stop = end == std::string_view::npos ? octets_.size() : end;
  at_ = end == std::string_view::npos ? octets_.size() : end + 1;
  while (stop > line_offset_ && octets_[stop - 1] == '\r') --stop;
  line = octets_.substr(line_offset_, stop - line_offset_);
  return true;
}

std::string Field::value() const { return fold_space(raw.substr(0, value_limit)); }

const Field* Header::find(std::string_view name) const {
  for (const auto& field : fields)
    if (iequals(field.name, name)) return &field;
  return nullptr;
}

std::vector<const Field*> Header::all(std::string_view name) const {
  std::vector<const Field*> found;
  for (const auto& field : fields)
    if (iequals(field.name, name)) found.push_back(&field);
  return found;
}

std::string Header::value(std::string_view name) const {
  const Field* field = find(name);
  return field ? field->value() : std::string();
}

Header parse_header(std::string_view octets, std::size_t from, const Limits& limits) {
  Header header;
  header.fields.reserve(16);
  std::string_view all = octets.substr(std::min(from, octets.size()));
  // The kind of line end is judged by the beginning: looking through a huge body for it would cost a pass per part.
  LineReader reader(all, line_end_of(all.substr(0, 64 * 1024)));
  std::string_view line;
  std::size_t lines = 0;
  header.end = from;
  while (reader.next(line)) {
    header.end = from + reader.offset();
    if (line.empty()) return header;
    std::size_t offset = from + reader.line_offset();
    bool continuation = line[0] == ' ' || line[0] == '\t';
    if (continuation && trim(line).empty()) continue;
    if (++lines > limits.header_lines) {
      header.truncated = true;
      continue;
    }
    if (continuation && !header.fields.empty()) {
      Field& last = header.fields.back();
      last.raw = octets.substr(last.raw_offset, offset + line.size() - last.raw_offset);
      continue;
    }
    std::size_t name = field_name_length(line);
    if (name == 0) {
      if (header.fields.empty() && (line.starts_with("From ") || line.starts_with(">From "))) continue;
      header.end = offset;
      return header;
    }
    Field field;
    field.name = octets.substr(offset, name);
    field.offset = offset;
    field.raw_offset = offset + line.find(':', name) + 1;
    field.raw = octets.substr(field.raw_offset, offset + line.size() - field.raw_offset);
    header.fields.push_back(field);
  }
  return header;
}

std::string ContentType::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

ContentType ContentType::parse(std::string_view value) {
  ContentType out;
  std::size_t end = value.find(';');
  std::string type = to_lower(trim(value.substr(0, end)));
  // "multipart/report boundary=x" without semicolon is seen; the type is its first word.
  type = type.substr(0, find_any(type, " \t("));
  if (type.find('/') != std::string::npos) out.type = type;
  while (end != std::string_view::npos && out.parameters.size() < 50) {
    std::size_t begin = end + 1;
    std::size_t equals = find_any(value, "=;", begin);
    if (equals == std::string_view::npos) break;
    if (value[equals] == ';') {
      end = equals;
      continue;
    }
    std::string name = to_lower(trim(value.substr(begin, equals - begin)));
    std::size_t i = equals + 1;
    while (i < value.size() && is_space(value[i])) ++i;
    std::string text;
    if (i < value.size() && value[i] == '"') {
      for (++i; i < value.size() && value[i] != '"'; ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        text += value[i];
      }
      end = value.find(';', i);
    } else {
      end = value.find(';', i);
      text = trim(value.substr(i, end == std::string_view::npos ? end : end - i));
    }
    if (!name.empty()) out.parameters.emplace_back(std::move(name), std::move(text));
  }
  return out;
}

std::string Part::transfer_encoding() const {
  std::string value = to_lower(trim(header.value("Content-Transfer-Encoding")));
  value = value.substr(0, find_any(value, " \t;("));
  return value.empty() ? "7bit" : value;
}

Message parse_message(std::string_view octets, const Limits& limits) {
  Splitter splitter(octets, limits);
  Message message;
  message.root = splitter.part(0, octets.size(), 0);
  message.notes = std::move(splitter.notes);
  return message;
}

void walk(const Part& part, const std::function<bool(const Part&)>& visit) {
  if (!visit(part)) return;
  for (const auto& child : part.parts) walk(child, visit);
}

}  // namespace smtpdx::mail
