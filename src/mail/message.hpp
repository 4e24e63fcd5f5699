// SPDX-License-Identifier: Apache-2.0
#pragma once

// A message as it lies there: header fields, MIME parts, and where each begins (RFC 5322, RFC 2045, RFC 2046). Nothing
// is copied: every view and offset points into the octets handed in, which must outlive the result. Tolerant: lines end
// by LF, CRLF or, in input without any LF, by a lone CR; missing boundaries, closing lines and blank lines are lived
// with. Never fails; what was cut is said in `notes`.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtpdx::mail {

struct Limits {
  std::size_t header_lines = 50'000;          ///< of one header; what follows up to the blank line is skipped
  std::size_t line = std::size_t{100} << 20;  ///< octets; a longer line is cut by readers of text, never copied
  int nesting = 20;                           ///< parts within parts
  std::size_t parts = 1'000;                  ///< in the whole message
};

enum class LineEnd { lf, cr };
/// `lf` (also for CRLF) unless the text has CR and no LF at all.
LineEnd line_end_of(std::string_view octets);

/// Reads lines one by one; line ends are not part of them.
class LineReader {
 public:
  LineReader(std::string_view octets, LineEnd end) : octets_(octets), end_(end) {}
  bool next(std::string_view& line);
  std::size_t line_offset() const { return line_offset_; }  ///< of the line last read, within the octets
  std::size_t offset() const { return at_; }                ///< where the next line begins

 private:
  std::string_view octets_;
  LineEnd end_;
  std::size_t at_ = 0, line_offset_ = 0;
};

/// One header field. `raw` is what follows the colon, folds kept (RFC 5322 §2.2.3).
struct Field {
  std::string_view name;
  std::string_view raw;
  std::size_t offset = 0;      ///< of the name
  std::size_t raw_offset = 0;  ///< of `raw`
  /// Unfolded and trimmed, white space runs folded, at most 64 KiB.
  std::string value() const;
};

struct Header {
  std::vector<Field> fields;
  std::size_t end = 0;                             ///< offset of the body: after the blank line
  bool truncated = false;                          ///< more lines than Limits::header_lines
  const Field* find(std::string_view name) const;  ///< the first (topmost) one, case ignored
  std::vector<const Field*> all(std::string_view name) const;
  std::string value(std::string_view name) const;  ///< of the first one; empty where absent
};

/// Reads a header that begins at octet `from` of `octets`. A line that is neither a field nor a continuation ends it,
/// the body then begins with that line; a leading mbox line ("From ", ">From ") is skipped.
Header parse_header(std::string_view octets, std::size_t from = 0, const Limits& limits = {});

/// RFC 2045 §5.1; names lower case, values as written. Also fits Content-Disposition.
struct ContentType {
  std::string type = "text/plain";  ///< lower case
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string parameter(std::string_view name) const;
  static ContentType parse(std::string_view value);
};

struct Part {
  Header header;
  ContentType content_type;
  std::string_view body;
  std::size_t body_offset = 0;
  int depth = 0;
  std::vector<Part> parts;  ///< of a multipart; of a message/rfc822 (not transfer-encoded) the one message within
  bool is_multipart() const { return content_type.type.starts_with("multipart/"); }
  bool is_message() const { return content_type.type == "message/rfc822" || content_type.type == "message/global"; }
  bool is_text() const { return content_type.type.starts_with("text/"); }
  std::string transfer_encoding() const;  ///< lower case, "7bit" where absent
};

/// Of a message whose end is missing.
inline constexpr std::string_view note_unclosed = "a multipart without its closing boundary";

struct Message {
  Part root;
  std::vector<std::string> notes;
};

Message parse_message(std::string_view octets, const Limits& limits = {});

/// Calls `visit` for the part and all below it, outermost first; false from `visit` leaves out what is below that part.
void walk(const Part& part, const std::function<bool(const Part&)>& visit);

}  // namespace smtpdx::mail
