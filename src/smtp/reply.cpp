// SPDX-License-Identifier: Apache-2.0
#include "smtp/reply.hpp"

// Two readers of one grammar (RFC 5321 §4.2.1: code, separator, text; one code on all lines).
//
// ReplyParser reads the wire. Lines are kept whole until the reply is taken, so that the trace sees the octets as they
// came and each line is stored once. It answers one question only, "where does this reply end?", and gives up as soon
// as that is no longer certain: a client that guesses here reads the answer to one command as the answer to another.
//
// parse_reply_line reads what people paste: mail clients, logs and bounces wrap the same words in quotes, a status in
// front, "smtp;", or join the lines of a reply by spaces. It looks at the start only and never searches for a code
// further on: dsn/ and intake/ know the surroundings, this file does not.

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/text.hpp"

namespace smtpdx::smtp {
namespace {

bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

/// One to three digits at `at`, which is moved behind them; -1 where there are none or more.
int short_number(std::string_view s, std::size_t& at) {
  auto start = at;
  int value = 0;
  for (; at < s.size() && is_digit(s[at]); ++at) {
    if (at - start == 3) return -1;
    value = value * 10 + (s[at] - '0');
  }
  return at == start ? -1 : value;
}

struct LeadingStatus {
  EnhancedStatus status;
  std::size_t length =
      0;  ///< octets to remove with it, white space behind included; 0 where it is part of a longer word
};

/// "5.7.1 text" or "#5.7.1 text". Not "5.7.1.2 text" (an address) and not "5.7.1x".
std::optional<LeadingStatus> leading_status(std::string_view line) {
  std::size_t at = 0;
  if (at < line.size() && line[at] == '#') ++at;
  EnhancedStatus s;
  std::array<int*, 3> parts{&s.klass, &s.subject, &s.detail};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && (at >= line.size() || line[at++] != '.')) return std::nullopt;
    *parts[i] = short_number(line, at);
    if (*parts[i] < 0) return std::nullopt;
  }
  if (s.klass != 2 && s.klass != 4 && s.klass != 5) return std::nullopt;
  if (at == line.size()) return LeadingStatus{s, at};
  char next = line[at];
  if (is_letter(next) || next == '_') return std::nullopt;
  if (next == '.' && at + 1 < line.size() && is_digit(line[at + 1])) return std::nullopt;
  // Exchange Online, 2024: "451 4.7.500-699 (ASxxx) …" names a range; the word is not ours to cut in two.
  bool whole_word = is_space(next) || next == ':' || next == ',' || next == ';';
  if (!whole_word) return LeadingStatus{s, 0};
  if (!is_space(next)) ++at;
  while (at < line.size() && is_space(line[at])) ++at;
  return LeadingStatus{s, at};
}

/// qmail and its kin: "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)".
std::optional<EnhancedStatus> trailing_status(std::string_view line) {
  line = trim(line);
  if (!line.ends_with(')')) return std::nullopt;
  auto open = line.rfind("(#");
  if (open == std::string_view::npos) return std::nullopt;
  return EnhancedStatus::parse(line.substr(open + 2, line.size() - open - 3));
}

std::optional<EnhancedStatus> status_of(int code, const std::vector<std::string>& lines) {
  auto agrees = [code](const EnhancedStatus& s) { return s.klass == code / 100; };
  if (lines.empty()) return std::nullopt;
  if (auto found = leading_status(lines.front()); found && agrees(found->status)) return found->status;
  if (auto found = trailing_status(lines.back()); found && agrees(*found)) return found;
  return std::nullopt;
}

/// The code a line starts with, 0 where there is none. RFC 5321 §4.2 has 0-5 as second digit; the field has 571, 585,
/// 599 as well. 1yz is reserved for a "preliminary" reply that SMTP never uses (§4.2.1): reading on would be a guess.
int leading_code(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::connect:
      return "connect";
    case Phase::ehlo:
      return "ehlo";
    case Phase::starttls:
      return "starttls";
    case Phase::auth:
      return "auth";
    case Phase::mail:
      return "mail";
    case Phase::rcpt:
      return "rcpt";
    case Phase::data:
      return "data";
    case Phase::end_of_data:
      return "end-of-data";
  }
  return "?";
}

std::optional<Phase> phase_from(std::string_view word) {
  for (auto phase : {Phase::connect, Phase::ehlo, Phase::starttls, Phase::auth, Phase::mail, Phase::rcpt, Phase::data,
                     Phase::end_of_data}) {
    if (word == to_string(phase)) return phase;
  }
  return std::nullopt;
}

const char* to_string(ReplyError error) {
  switch (error) {
    case ReplyError::line_too_long:
      return "a line longer than 4,096 octets";
    case ReplyError::too_many_lines:
      return "a reply longer than 200 lines or 64 KiB";
    case ReplyError::bad_code:
      return "a line without a reply code";
    case ReplyError::code_changed:
      return "a reply whose code changes between its lines";
  }
  return "?";
}

std::string EnhancedStatus::to_string() const {
  return std::to_string(klass) + '.' + std::to_string(subject) + '.' + std::to_string(detail);
}

std::optional<EnhancedStatus> EnhancedStatus::parse(std::string_view text) {
  auto found = leading_status(text);
  if (!found || text.starts_with('#') || found->length != text.size() || !is_digit(text.back())) return std::nullopt;
  return found->status;
}

std::string Reply::text() const {
  std::string out;
  for (std::string_view line : lines) {
    if (auto found = leading_status(line); found && found->status.klass == code / 100)
      line.remove_prefix(found->length);
    if (!out.empty()) out += ' ';
    out += line;
  }
  return fold_space(out);
}

std::string Reply::to_string() const {
  auto out = std::to_string(code);
  bool led = status && !lines.empty() && leading_status(lines.front()) && leading_status(lines.front())->length > 0;
  if (led) out += ' ' + status->to_string();
  auto words = text();
  return words.empty() ? out : out + ' ' + words;
}

// ---- The wire

std::size_t ReplyParser::feed(std::string_view octets) {
  std::size_t used = 0;
  while (used < octets.size() && !complete_ && !error_) {
    auto rest = octets.substr(used);
    auto end = rest.find('\n');
    auto piece = rest.substr(0, end);
    used += piece.size() + (end == std::string_view::npos ? 0 : 1);
    if (line_.size() + piece.size() > most_octets_a_line) {
      line_ += piece.substr(0, most_octets_a_line - line_.size());
      error_ = ReplyError::line_too_long;
    } else if (end == std::string_view::npos) {
      line_ += piece;
    } else if (line_.empty()) {
      end_line(std::string(piece));
    } else {
      line_ += piece;
      end_line(std::exchange(line_, {}));
    }
  }
  return used;
}

void ReplyParser::end_line(std::string line) {
  while (line.ends_with('\r')) line.pop_back();  // "\r\r\n" is met where somebody translated line ends twice
  total_ += line.size();
  error_ = check(line);
  raw_.push_back(std::move(line));
}

std::optional<ReplyError> ReplyParser::check(std::string_view line) {
  if (raw_.size() >= most_lines || total_ > most_octets) return ReplyError::too_many_lines;
  int code = leading_code(line);
  char separator = line.size() > 3 ? line[3] : ' ';
  if (code == 0 || (separator != ' ' && separator != '-' && separator != '\t')) return ReplyError::bad_code;
  if (code_ != 0 && code != code_) return ReplyError::code_changed;
  code_ = code;
  complete_ = separator != '-';
  return std::nullopt;
}

Reply ReplyParser::take() {
  assert(complete_);
  Reply reply;
  reply.code = std::exchange(code_, 0);
  reply.lines = std::exchange(raw_, {});
  for (auto& line : reply.lines) line.erase(0, 4);
  reply.status = status_of(reply.code, reply.lines);
  total_ = 0;
  complete_ = false;
  return reply;
}

// ---- Pasted words

namespace {

/// What may stand before the code: quotes and brackets, '#', "smtp;", a status. Returns the status, if one was there.
std::optional<EnhancedStatus> skip_preamble(std::string_view& text) {
  std::optional<EnhancedStatus> status;
  for (int parts = 0; parts < 8; ++parts) {
    text = trim(text);
    if (text.empty()) break;
    if (auto found = leading_status(text); found && found->length > 0) {
      status = found->status;
      text.remove_prefix(found->length);
    } else if (istarts_with(text, "smtp;")) {
      text.remove_prefix(5);
    } else if (constexpr std::string_view opening = "\"'`<([#", closing = "\"'`>)]";
               opening.find(text.front()) != std::string_view::npos) {
      auto pair = opening.find(text.front());
      text.remove_prefix(1);
      if (pair < closing.size() && text.ends_with(closing[pair])) text.remove_suffix(1);
    } else {
      break;
    }
  }
  return status;
}

/// "550 text", "550-text", "550: text", "550" — but not "5501", "550.7" or "203.0.113.1".
bool ends_code(std::string_view after) {
  if (after.empty()) return true;
  if (is_digit(after[0]) || is_letter(after[0]) || after[0] == '_' || after[0] == '/') return false;
  return !(after[0] == '.' && after.size() > 1 && is_digit(after[1]));
}

/// Where the next line begins in words that a log has joined by spaces: white space, the same code, '-' or ' '.
std::size_t next_joined_line(std::string_view text, std::string_view code) {
  for (auto at = text.find(code); at != std::string_view::npos; at = text.find(code, at + 1)) {
    bool starts = at > 0 && is_space(text[at - 1]);
    char next = at + 3 < text.size() ? text[at + 3] : ' ';
    if (starts && (next == '-' || next == ' ')) return at;
  }
  return std::string_view::npos;
}

/// Removes "550-" or "550 " and says whether another line follows.
bool strip_code(std::string_view& line) {
  line.remove_prefix(3);
  bool more = line.starts_with('-');
  if (!line.empty() && (is_space(line[0]) || std::string_view("-:,;").find(line[0]) != std::string_view::npos))
    line.remove_prefix(1);
  return more;
}

void add_joined(std::string_view line, std::string_view code, std::vector<std::string>& lines) {
  bool more = strip_code(line);
  while (more && lines.size() < ReplyParser::most_lines) {
    auto next = next_joined_line(line, code);
    if (next == std::string_view::npos) break;
    lines.emplace_back(trim(line.substr(0, next)));
    line.remove_prefix(next);
    more = strip_code(line);
  }
  lines.emplace_back(trim(line));
}

}  // namespace

std::optional<Reply> parse_reply_line(std::string_view text) {
  auto before = skip_preamble(text);
  int code = leading_code(text);
  if (code == 0 || !ends_code(text.substr(3))) return std::nullopt;
  Reply reply;
  reply.code = code;
  auto digits = text.substr(0, 3);
  for (auto line : split_lines(text)) {
    line = trim(line);
    if (line.empty() || reply.lines.size() >= ReplyParser::most_lines) continue;
    if (line.starts_with(digits) && ends_code(line.substr(3))) {
      add_joined(line, digits, reply.lines);
    } else {
      reply.lines.emplace_back(line);  // a line that was folded when it was pasted
    }
  }
  // One line of the input may hold many that were joined by spaces.
  if (reply.lines.size() > ReplyParser::most_lines) reply.lines.resize(ReplyParser::most_lines);
  reply.status = status_of(code, reply.lines);
  if (!reply.status && before && before->klass == code / 100) reply.status = before;
  return reply;
}

}  // namespace smtpdx::smtp
