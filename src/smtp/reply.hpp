// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/log.hpp"

namespace smtpdx::smtp {

/// Where in a session something happened. One set of words for phases and stages (design: contract §4).
enum class Phase { connect, ehlo, starttls, auth, mail, rcpt, data, end_of_data };
const char* to_string(Phase phase);
std::optional<Phase> phase_from(std::string_view word);

/// RFC 3463 §2, "class.subject.detail".
struct EnhancedStatus {
  int klass = 0, subject = 0, detail = 0;
  std::string to_string() const;
  /// The whole of `text` as "5.7.1"; nullopt otherwise.
  static std::optional<EnhancedStatus> parse(std::string_view text);
  auto operator<=>(const EnhancedStatus&) const = default;
};

/// One reply (RFC 5321 §4.2). `lines` are the texts after code and separator, enhanced status kept in place as
/// received.
struct Reply {
  int code = 0;
  /// Of the first line (RFC 2034), where its class agrees with the code; also "#5.1.0" there, and where there is none
  /// the
  /// "(#5.7.1)" at the very end that qmail writes.
  std::optional<EnhancedStatus> status;
  std::vector<std::string> lines;
  trace::Evidence evidence;

  bool positive() const { return code >= 200 && code < 300; }
  bool intermediate() const { return code >= 300 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  /// All lines joined by one space, white space folded, the enhanced status at the start of each line removed.
  std::string text() const;
  /// "554 5.7.1 text" in one line: code, status where a line began with it, text().
  std::string to_string() const;
};

/// Reads a reply out of the words somebody pasted, as they stand: "550 5.7.1 text", "550-5.7.1 text", "550 #5.1.0
/// text",
/// "#5.7.1 smtp;554 text", several lines or several lines a log joined ("550-5.7.1 one 550 5.7.1 two"). nullopt where
/// no reply code is found at the start (quotes, "smtp;" and a status may stand before it). No evidence is set.
std::optional<Reply> parse_reply_line(std::string_view text);

enum class ReplyError { line_too_long, too_many_lines, bad_code, code_changed };
const char* to_string(ReplyError error);

/// Octets in, replies out; does no I/O. Tolerant where field practice is (bare LF, missing text, a tab after the code,
/// any second digit), strict where a mistake would put us out of step: after an error the parser is dead and the
/// session must be given up. Limits: 4,096 octets a line (RFC 5321 §4.5.3.1.5 says 512), 200 lines and 64 KiB a reply.
class ReplyParser {
 public:
  static constexpr std::size_t most_octets_a_line = 4096;
  static constexpr std::size_t most_lines = 200;
  static constexpr std::size_t most_octets = 64 * 1024;

  /// Feeds octets; returns how many were consumed (all, unless a reply ended or an error was met: one reply at a time,
  /// and nothing while one waits to be taken).
  std::size_t feed(std::string_view octets);
  bool complete() const { return complete_; }
  std::optional<ReplyError> error() const { return error_; }
  /// Lines seen since the last take(), without their ends, for the trace; a line that is in error is the last of them.
  const std::vector<std::string>& raw_lines() const { return raw_; }
  /// The finished reply (complete() must hold), without evidence; the parser is ready for the next.
  Reply take();
  /// The unfinished line, for messages about what came instead of a reply.
  std::string_view partial() const { return line_; }

 private:
  void end_line(std::string line);
  std::optional<ReplyError> check(std::string_view line);

  std::string line_;
  std::vector<std::string> raw_;
  std::size_t total_ = 0;
  int code_ = 0;  ///< of the reply begun; 0 before its first line
  bool complete_ = false;
  std::optional<ReplyError> error_;
};

}  // namespace smtpdx::smtp
