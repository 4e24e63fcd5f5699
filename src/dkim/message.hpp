// SPDX-License-Identifier: Apache-2.0
#pragma once

// A message split to the octet, as a signature covers it (RFC 6376 §3.4, RFC 5322 §2.1). Unlike mail/message.hpp
// nothing is read into it: fields are what lies between line ends, and the body is all that follows the first empty
// line.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace smtpdx::dkim {

struct Field {
  std::string_view name;   ///< without white space before the colon
  std::string_view whole;  ///< name, colon, value, folds kept; without the final CRLF
  std::size_t offset = 0;  ///< octet of the input at which it begins
  std::string_view value() const { return whole.substr(whole.find(':') + 1); }
};

/// How lines ended in the input. A message is signed and sent with CRLF (RFC 6376 §5.3): others are read as such.
enum class LineEnds { crlf, lf, mixed };

class Message {
 public:
  /// `octets` must outlive the message. Every bare LF is read as CRLF; a leading mbox line ("From ") is passed over. A
  /// line that is neither a field nor a continuation ends the header, the body begins with it. Never fails.
  explicit Message(std::string_view octets);
  explicit Message(const char* octets) : Message(std::string_view(octets)) {}
  explicit Message(std::string&&) = delete;  // would not outlive it
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  const std::vector<Field>& fields() const { return fields_; }
  std::string_view body() const { return body_; }
  LineEnds line_ends() const { return line_ends_; }
  /// Indices into fields() of those with this name (case ignored), topmost first.
  const std::vector<std::uint32_t>& all(std::string_view name) const;

 private:
  void split(std::string_view octets, std::string_view input);
  std::string converted_;  ///< with CRLF, where the input had others
  LineEnds line_ends_ = LineEnds::crlf;
  std::vector<Field> fields_;
  std::string_view body_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_name_;  ///< lower case
};

}  // namespace smtpdx::dkim
