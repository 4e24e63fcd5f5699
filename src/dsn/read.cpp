// SPDX-License-Identifier: Apache-2.0
#include "dsn/reader.hpp"

// Decides what an input is and who reads it. From the most to the least formal:
//   mbox → messages; a message → its parts: a delivery report (RFC 3464), a complaint (RFC 5965), the words before the
//   returned message, a bounce attached or quoted within; no message → log lines, a pasted report, a bounce's words, an
//   SMTP transcript, an error text.
//
// Bounds: 64 MiB of input, 1,000 refusals, 1 MiB of pasted words.

#include <algorithm>

#include "base/text.hpp"
#include "dsn/delivery_report.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/log_complaint.hpp"
#include "dsn/log_line.hpp"
#include "dsn/notification.hpp"
#include "dsn/prose.hpp"
#include "dsn/read_message.hpp"
#include "dsn/recognise.hpp"
#include "dsn/returned.hpp"
#include "dsn/transcript.hpp"
#include "dsn/words.hpp"
#include "mail/mbox.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t input_limit = std::size_t{64} << 20;
constexpr std::size_t most_refusals = 1000;
constexpr std::size_t words_limit = std::size_t{1} << 20;

/// Whether the catalogue knows the words; for texts that carry no code.
bool is_known_wording(const Refusal& refusal) {
  if (refusal.reply.text.empty()) return false;
  Reading reading = understand(refusal, kb::Catalogue::builtin());
  return reading.reason != kb::Reason::unknown && !reading.rule.starts_with("sense.");
}

/// Whether one line without a code still speaks of a refusal: somebody, and what is wrong with him. A page of text
/// speaks of everything.
bool is_meaningful_line(const Refusal& refusal) {
  constexpr std::size_t longest = 300;
  if (refusal.reply.text.empty() || refusal.reply.text.size() > longest) return false;
  Reading reading = understand(refusal, kb::Catalogue::builtin());
  return reading.rule.starts_with("sense.") && reading.confidence >= sense_confidence;
}

/// A refusal, else a complaint whose words the catalogue knows.
std::optional<Refusal> read_log_entry(std::string_view line, std::size_t offset) {
  if (auto refusal = read_log_line(line, offset)) return refusal;
  auto complaint = read_log_complaint(line, offset);
  return complaint && is_known_wording(*complaint) ? complaint : std::nullopt;
}

void read_log(std::string_view octets, ReadResult& result) {
  mail::LineReader reader(octets, mail::line_end_of(octets.substr(0, 64 * 1024)));
  std::string_view line;
  while (reader.next(line)) {
    if (auto refusal = read_log_entry(line, reader.line_offset())) {
      if (result.refusals.size() >= most_refusals) {
        note_once(result.notes, "more than 1,000 refusals; the rest was not read");
        return;
      }
      result.refusals.push_back(std::move(*refusal));
    }
  }
}

bool is_log(std::string_view octets) {
  mail::LineReader reader(octets, mail::line_end_of(octets.substr(0, 64 * 1024)));
  std::string_view line;
  int seen = 0, logs = 0;
  while (seen < 50 && reader.next(line)) {
    if (trim(line.substr(0, 400)).empty()) continue;
    ++seen;
    logs += is_log_line(line) ? 1 : 0;
  }
  return logs > 0 && logs * 2 >= seen;
}

std::vector<Refusal> read_pasted(std::string_view octets) {
  mail::Text text(std::string(octets.substr(0, words_limit)), 0);
  if (icontains(text.view(), "final-recipient")) {
    auto found = refusals_of(parse_delivery_report(text), text);
    if (!found.empty()) return found;
  }
  if (auto told = read_notification(text); !told.empty()) return told;
  auto lines = read_transcript(text, most_refusals);
  bool begins_with_code = codes_at(trim(octets.substr(0, 200)), 0).has_value();
  if (lines.size() > 1 || (lines.size() == 1 && !begins_with_code && lines.front().phase)) return lines;
  if (begins_with_code) return {read_reply_text(octets)};
  Prose prose = read_prose(text);
  bool report = !prose.refusals.empty() && (!prose.reporter.empty() || !prose.refusals.front().recipient.empty());
  Refusal whole = read_reply_text(octets);
  if (report && quotes_reply(prose.refusals.front())) {
    if (prose.returned_at)
      for (auto& refusal : prose.refusals)
        refusal.returned = read_returned(text.view().substr(*prose.returned_at), {refusal.reporter, refusal.recipient});
    // One line has no layout: the reader of reply texts sees more in it.
    if (prose.refusals.size() > 1 || octets.find('\n') != std::string_view::npos) return prose.refusals;
  }
  if (quotes_reply(whole)) return {std::move(whole)};
  if (!lines.empty()) return lines;
  bool one_line = trim(octets).find_first_of("\r\n") == std::string_view::npos;
  bool meant = is_known_wording(whole) || (one_line && is_meaningful_line(whole));
  return meant ? std::vector<Refusal>{std::move(whole)} : std::vector<Refusal>{};
}

void add(ReadResult& result, std::vector<Refusal> refusals, std::size_t index) {
  for (auto& refusal : refusals) {
    if (result.refusals.size() >= most_refusals) {
      note_once(result.notes, "more than 1,000 refusals; the rest was not read");
      return;
    }
    refusal.source_index = index;
    result.refusals.push_back(std::move(refusal));
  }
}

}  // namespace

ReadResult read_mail(std::string_view octets, std::size_t base) {
  ReadResult result;
  add(result, read_message(octets.substr(0, input_limit), base, result.notes), 0);
  return result;
}

ReadResult read(const Input& input) {
  ReadResult result;
  std::string_view octets = input.octets.substr(0, input_limit);
  if (octets.size() < input.octets.size()) note_once(result.notes, "only the first 64 MiB were read");
  if (octets.starts_with("\xEF\xBB\xBF")) note_once(result.notes, "a byte order mark stands in front");
  std::size_t bom = octets.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::string_view text = octets.substr(bom);
  if (mail::is_mbox(text)) {
    auto messages = mail::split_mbox(text, most_refusals);
    for (std::size_t i = 0; i < messages.size() && result.refusals.size() < most_refusals; ++i)
      add(result, read_message(messages[i].octets, bom + messages[i].offset, result.notes), i);
  } else if (is_message(text)) {
    add(result, read_message(text, bom, result.notes), 0);
  } else if (is_log(text)) {
    read_log(text, result);
  } else {
    auto found = read_pasted(text);
    for (auto& refusal : found) refusal.mechanism = mechanism_in(text.substr(0, words_limit));
    for (auto& refusal : found)
      for (auto& span : refusal.evidence) span.offset += bom;
    add(result, std::move(found), 0);
  }
  if (result.refusals.empty()) result.refusals.emplace_back();
  for (std::size_t i = 0; i < result.refusals.size(); ++i) {
    result.refusals[i].source_name = input.name;
    result.refusals[i].source_index = i;
  }
  return result;
}

}  // namespace smtpdx::dsn
