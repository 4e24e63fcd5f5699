// SPDX-License-Identifier: Apache-2.0
#include "dsn/transcript.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

/// Octets of a tool's mark at the start of a line: swaks, curl, PHPMailer, smtplib, "S:".
std::size_t mark_length(std::string_view line) {
  static constexpr std::string_view marks[] = {"SERVER -> CLIENT: ",
                                               "CLIENT -> SERVER: ",
                                               "<** ",
                                               "<~* ",
                                               "<~  ",
                                               "<-  ",
                                               "<<< ",
                                               ">>> ",
                                               " -> ",
                                               " ~> ",
                                               "** ",
                                               "S: ",
                                               "C: ",
                                               "< ",
                                               "> ",
                                               "<- ",
                                               "-> ",
                                               "reply: b'",
                                               "reply: '",
                                               "send: '",
                                               "[S] ",
                                               "[C] "};
  std::size_t space = 0;
  // PHPMailer: "2026-11-24 10:00:00<tab>SERVER -> CLIENT: …".
  if (line.size() > 20 && line[4] == '-' && line[7] == '-' && line[13] == ':' && line[16] == ':') space = 19;
  while (space < line.size() && (line[space] == ' ' || line[space] == '\t')) ++space;
  for (auto mark : marks) {
    if (line.starts_with(mark)) return mark.size();
    if (line.substr(space).starts_with(mark)) return space + mark.size();
  }
  return space;
}

struct Session {
  std::optional<smtp::Phase> phase;
  std::string sender, recipient;
  bool after_data = false;

  void hear(std::string_view line) {
    using smtp::Phase;
    if (istarts_with(line, "mail from:")) {
      phase = Phase::mail;
      sender = mail::address_in(line.substr(0, 600));
      recipient.clear();
    } else if (istarts_with(line, "rcpt to:")) {
      phase = Phase::rcpt;
      recipient = mail::address_in(line.substr(0, 600));
    } else if (istarts_with(line, "ehlo ") || istarts_with(line, "helo ")) {
      phase = Phase::ehlo;
    } else if (istarts_with(line, "starttls")) {
      phase = Phase::starttls;
    } else if (istarts_with(line, "auth ")) {
      phase = Phase::auth;
    } else if (iequals(trim(line), "data") || istarts_with(line, "bdat ")) {
      phase = Phase::data;
    } else if (trim(line) == "." && phase == Phase::data) {
      phase = Phase::end_of_data;
    }
  }
};

}  // namespace

std::vector<Refusal> read_transcript(const mail::Text& text, std::size_t limit) {
  std::vector<Refusal> out;
  Session session;
  std::string_view all = text.view();
  mail::LineReader reader(all, mail::line_end_of(all));
  std::string_view line;
  mail::Text reply;  // lines of a reply in hand, joined by LF
  int code = 0;
  auto finish = [&] {
    if (reply.octets().empty()) return;
    Refusal refusal = read_excerpt(reply, "reply");
    if (!refusal.phase) refusal.phase = session.phase;
    if (refusal.recipient.empty() && session.phase == smtp::Phase::rcpt) refusal.recipient = session.recipient;
    refusal.sender = session.sender;
    out.push_back(std::move(refusal));
    reply = {};
    code = 0;
  };
  while (out.size() < limit && reader.next(line)) {
    std::size_t skip = mark_length(line);
    std::string_view words = line.substr(skip, 4096);
    auto codes = codes_at(words, 0);
    bool refusal = codes && codes->code != 0 && (words.size() == 3 || words[3] == ' ' || words[3] == '-');
    // Unmarked lines that follow a refusal and are no reply or command belong to it where a mailer folded it.
    bool folded_line = !refusal && code != 0 && skip > 0 && line.find_first_not_of(" \t") == skip && !words.empty() &&
                       !is_digit(words[0]);
    if (!refusal && !folded_line) {
      finish();
      session.hear(words);
      continue;
    }
    if (refusal && (codes->code != code || reply.octets().empty())) finish();
    if (!reply.octets().empty()) reply.push('\n', text.origin(reader.line_offset() + skip));
    const std::size_t room = reply_limit - std::min(reply.octets().size(), reply_limit);
    reply.append(text, reader.line_offset() + skip, std::min(words.size(), room));
    if (refusal) code = codes->code;
    bool more = refusal && words.size() > 3 && words[3] == '-';
    if (refusal && !more) {
      // Keep it open for folded lines, but a further line with the same code is a reply of its own.
      std::string_view rest = all.substr(reader.offset(), 4096);
      bool indented = rest.starts_with(' ') || rest.starts_with('\t');
      if (!indented || mark_length(rest) == 0 || codes_at(rest, rest.find_first_not_of(" \t"))) finish();
    }
  }
  finish();
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace smtpdx::dsn
