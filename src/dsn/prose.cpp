// SPDX-License-Identifier: Apache-2.0
#include "dsn/prose.hpp"

// The words before the returned message are cut into blocks, one a recipient: a block begins with a line that names an
// address alone ("<bob@example.org>: …", "  bob@example.org", ">>> RCPT TO:<bob@example.org>") and ends where the next
// begins. Within a block the reader of reply texts finds the reply, so that this file knows layouts and no wordings.
// Exchange Online's tables ("Error:", "Message rejected by:", "Sent by:") are read by their labels.
//
// Headings are not needed, therefore translations do no harm: of a French or Japanese report the quoted reply is as
// English as the server that gave it. A block without a reply gives nothing here; the caller may know a code from the
// machine-readable part.

#include <algorithm>

#include "base/needles.hpp"
#include "base/text.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t most_blocks = 1000;
constexpr std::size_t block_limit = 8 * 1024;
constexpr std::size_t most_lines = 20'000;

struct Block {
  std::string recipient, original;
  std::size_t begin = 0, end = 0;  ///< of the words after the address
  std::size_t line = 0;            ///< where the line with the address begins
};

bool begins_header(std::string_view line) {
  return line.starts_with("Received:") || line.starts_with("Return-Path: ") || line.starts_with("Return-path: ") ||
         line.starts_with("DKIM-Signature: ") || line.starts_with("Authentication-Results: ");
}

std::string_view without_decoration(std::string_view line) {
  const auto is_mark = [](char c) { return find_any({&c, 1}, "-=*_#:.~+<>| \t") == 0; };
  while (!line.empty() && is_mark(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_mark(line.back())) line.remove_suffix(1);
  return line;
}

/// Lines that say "the returned message follows", for reports whose returned header begins with another field.
bool announces_header(std::string_view line) {
  static const Needles begins{"this is a copy of",
                              "below this line is",
                              "below is a copy",
                              "included is a copy",
                              "here is a copy",
                              "header of the original",
                              "headers of the original",
                              "the header of the original",
                              "the headers of the original",
                              "original message header",
                              "original message follows",
                              "original message below",
                              "original message text",
                              "original mail info",
                              "original mail header",
                              "the original message follows",
                              "the original mail follows",
                              "the original message headers",
                              "message header follow",
                              "message headers follow",
                              "message text follows",
                              "your message follows",
                              "your original message",
                              "the original text follows",
                              "copy of your message",
                              "unsent message",
                              "undelivered message follows",
                              "returned message follows",
                              "a copy of the message",
                              "a copy of your message",
                              "the following is a copy",
                              "the first ",
                              "start of returned message",
                              "original message headers",
                              "failed message follows",
                              "begin of original",
                              "beginning of original",
                              "return of the original message"};
  static const Needles whole{"original message",  "original mail",     "the original message",    "returned message",
                             "original header",   "original headers",  "message header",          "message headers",
                             "returned mail",     "original-message",  "undelivered message",     "message contents",
                             "mensaje original",  "message d'origine", "message original",        "messaggio originale",
                             "mensagem original", "originalnachricht", "ursprüngliche nachricht", "original-nachricht"};
  if (line.size() > 160) return false;
  std::string_view words = without_decoration(line);
  if (words.size() < 8) return false;
  if (istarts_with(words, "the first "))
    return icontains(words, "original message") || icontains(words, "of the message");
  return begins.any_at_start(words) || whole.any_is(words);
}

/// The address that a line consists of, brackets allowed; empty where there is more on the line.
std::string lone_address(std::string_view line) {
  line = trim(line);
  if (line.size() > 320 || line.size() < 3) return {};
  // "bob@example.org<mailto:bob@example.org>" is how an HTML report looks as text.
  if (std::size_t mailto = ifind(line, "<mailto:"); mailto != std::string_view::npos && mailto > 0)
    line = line.substr(0, mailto);
  line = trim(line);
  while (line.ends_with(':') || line.ends_with(';')) line.remove_suffix(1);
  if (line.starts_with('<') && line.ends_with('>')) line = line.substr(1, line.size() - 2);
  std::string address = mail::address_in(line);
  if (address.empty()) return {};
  std::string_view rest = line.substr(std::min(line.size(), ifind(line, address) + address.size()));
  bool alone = line.starts_with(address) && (rest.empty() || rest.starts_with(" (") || rest.starts_with(" on "));
  return alone ? address : std::string();
}

/// A line that opens a block; sets where the block's words begin.
bool opens_block(std::string_view line, std::size_t offset, Block& block) {
  std::string_view text = trim(line);
  // Indented, "<b@y>: Relay access denied" is a folded reply.
  if (text.starts_with('<') && !line.starts_with('<')) return false;
  if (text.starts_with('<')) {
    std::size_t close = text.find('>');
    if (close == std::string_view::npos || close > 320) return false;
    std::string_view rest = text.substr(close + 1);
    std::string address(text.substr(1, close - 1));
    if (address.find('@') == std::string::npos) return false;
    // "<b@y> (expanded from <a@x>): …", "<b@y>: …", "<b@y>" alone; but not "<b@y>... User unknown".
    std::string original;
    if (rest.starts_with(" (expanded from ")) {
      std::size_t end = rest.find(')');
      original = mail::report_address(rest.substr(16, end == std::string_view::npos ? end : end - 16));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    if (!trim(rest).empty() && !rest.starts_with(':')) return false;
    block.recipient = address;
    block.original = original;
    block.begin = offset + static_cast<std::size_t>(rest.data() - line.data()) + (rest.starts_with(':') ? 1 : 0);
    return true;
  }
  // OpenSMTPD: "b@y.example: 550 …"; GMX: "\"b@y.example\":".
  if (std::size_t colon = line.find(": "); colon != std::string_view::npos && codes_at(line, colon + 2)) {
    std::string address = lone_address(line.substr(0, colon));
    if (!address.empty() && !is_space(line[0])) {
      block.recipient = std::move(address);
      block.begin = offset + colon + 1;
      return true;
    }
  }
  if (text.size() > 4 && text.front() == '"' && text.ends_with("\":")) text = text.substr(1, text.size() - 3);
  std::string address;
  if (std::size_t rcpt = ifind(text, "rcpt to:"); rcpt != std::string_view::npos && text.starts_with(">>>"))
    address = mail::address_in(text.substr(rcpt));
  else
    address = lone_address(text);
  if (address.empty()) return false;
  block.recipient = address;
  block.begin = offset + line.size();
  if (text.starts_with(">>>")) block.begin = offset;
  return true;
}

/// A line on which more than the address stands: "b@y.example [User unknown]", "b@y.example: Envelope expired", and of
/// Sendmail's transcripts "554 <b@y.example>... Host unknown". Believed only where no line names an address alone.
bool opens_loosely(std::string_view line, std::size_t offset, Block& block) {
  std::size_t i = std::min(line.find_first_not_of(" \t"), line.size());
  bool transcript = line.find("... ") != std::string_view::npos;
  std::size_t words = i;
  if (auto codes = codes_at(line, i); codes && transcript) i += codes->length;
  bool bracket = line.substr(i).starts_with('<');
  if (bracket) ++i;
  std::size_t end = std::min(find_any(line, " \t<>[](),;:\"", i), line.size());
  std::string address = mail::address_in(line.substr(i, end - i));
  if (address.empty() || address.size() != end - i - (line.substr(0, end).ends_with("...") ? 3 : 0)) return false;
  std::string_view rest = line.substr(std::min(end + (bracket ? 1 : 0), line.size()));
  if (trim(rest).size() < 4 || iends_with(trim(rest), "wrote:")) return false;
  block.recipient = std::move(address);
  block.begin = offset + (transcript ? words : static_cast<std::size_t>(rest.data() - line.data()));
  if (!transcript && rest.starts_with(':')) ++block.begin;
  return true;
}

struct Layout {
  std::vector<Block> blocks;
  std::vector<Block> loose;
  std::size_t end = 0;  ///< of the words: where the returned message is announced or begins
  std::optional<std::size_t> returned_at;
};

Layout lay_out(std::string_view text) {
  Layout layout;
  layout.end = text.size();
  mail::LineReader reader(text, mail::line_end_of(text));
  std::string_view line;
  bool announced = false;
  constexpr auto nowhere = std::string_view::npos;
  std::size_t session = nowhere;  ///< where the transcript of the next block begins
  for (std::size_t lines = 0; lines < most_lines && reader.next(line); ++lines) {
    std::size_t offset = reader.line_offset();
    if (announced || begins_header(line)) {
      if (trim(line).empty()) continue;
      if (!announced) layout.end = offset;
      std::size_t colon = line.find(':');
      if (colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos)
        layout.returned_at = offset;
      break;
    }
    if (announces_header(line)) {
      layout.end = offset;
      announced = true;
      continue;
    }
    Block block;
    const bool names_somebody = line.find('@') != std::string_view::npos;
    if (names_somebody && layout.blocks.size() < most_blocks && opens_block(line.substr(0, 4096), offset, block)) {
      block.line = offset;
      layout.blocks.push_back(std::move(block));
    } else if (names_somebody && layout.loose.size() < most_blocks &&
               opens_loosely(line.substr(0, 4096), offset, block)) {
      block.line = offset;
      // Sendmail puts the refused commands and their replies above the line that names the address.
      if (session != nowhere) block.line = block.begin = session;
      layout.loose.push_back(std::move(block));
      session = nowhere;
    }
    if (line.starts_with(">>>") && session == nowhere) session = offset;
    if (istarts_with(line, "while talking to") || line.starts_with("...")) session = nowhere;
  }
  if (layout.blocks.empty()) layout.blocks = std::move(layout.loose);
  for (std::size_t i = 0; i < layout.blocks.size(); ++i) {
    Block& block = layout.blocks[i];
    std::size_t next = i + 1 < layout.blocks.size() ? layout.blocks[i + 1].line : layout.end;
    block.end = std::min({next, block.begin + block_limit, layout.end});
  }
  std::erase_if(layout.blocks, [](const Block& b) { return b.end < b.begin || b.line > b.end; });
  return layout;
}

std::optional<smtp::Phase> phase_of_command(std::string_view words) {
  if (istarts_with(words, "rcpt")) return smtp::Phase::rcpt;
  if (istarts_with(words, "mail")) return smtp::Phase::mail;
  if (istarts_with(words, "data")) return smtp::Phase::data;
  if (words.starts_with('.') || istarts_with(words, "bdat")) return smtp::Phase::end_of_data;
  if (istarts_with(words, "ehlo") || istarts_with(words, "helo")) return smtp::Phase::ehlo;
  return std::nullopt;
}

/// The step of a transcript in which the last refusal came: the last ">>> COMMAND" before the last "<<< 5yz". With
/// pipelining (RFC 2920) the refusals of RCPT stand below ">>> DATA", and DATA itself is then refused for want of any.
std::optional<smtp::Phase> transcript_phase(std::string_view text) {
  std::size_t reply = 0;
  if (text.find("<<< ") != std::string_view::npos) reply = std::max(text.rfind("<<< 5") + 1, text.rfind("<<< 4") + 1);
  if (reply == 0) {
    std::size_t label = ifind(text, "smtp command");
    std::size_t next = label == std::string_view::npos ? label : find_either(text, '\r', '\n', label);
    return next == std::string_view::npos ? std::nullopt : phase_of_command(trim(text.substr(next, 60)));
  }
  std::size_t command = text.substr(0, reply).rfind(">>>");
  if (command == std::string_view::npos) return std::nullopt;
  auto phase = phase_of_command(trim(text.substr(command + 3, 40)));
  bool none_left = text.substr(command).find("<<< 503") != std::string_view::npos;
  return phase == smtp::Phase::data && none_left ? smtp::Phase::rcpt : phase;
}

/// The value after a label at the start of a line: on the same line, or on the next one that is not blank.
std::optional<std::pair<std::size_t, std::size_t>> label_value(std::string_view text, std::string_view label) {
  for (std::size_t at = ifind(text, label); at != std::string_view::npos; at = ifind(text, label, at + 1)) {
    std::size_t line = at;
    while (line > 0 && (text[line - 1] == ' ' || text[line - 1] == '\t' || text[line - 1] == '*')) --line;
    if (line > 0 && text[line - 1] != '\n' && text[line - 1] != '\r') continue;
    std::size_t begin = at + label.size();
    while (begin < text.size() && (is_space(text[begin]) || text[begin] == '*')) ++begin;
    std::size_t end = std::min(find_either(text, '\r', '\n', begin), text.size());
    return std::pair{begin, end};
  }
  return std::nullopt;
}

std::string host_value(std::string_view text, std::string_view label) {
  auto range = label_value(text, label);
  if (!range) return {};
  std::string_view value = text.substr(range->first, range->second - range->first);
  std::string_view word = trim(value.substr(0, find_any(value, " \t(<,")));
  return looks_like_host(word) ? canonical_name(word) : std::string();
}

/// A reply that goes on over lines until a blank one or the next label.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && end - begin < block_limit) {
    std::size_t line_end = std::min(find_either(text, '\r', '\n', end), text.size());
    std::size_t next = line_end;
    while (next < text.size() && next - line_end < 2 && (text[next] == '\r' || text[next] == '\n') &&
           (next == line_end || text[next] != text[line_end]))
      ++next;
    std::string_view line = text.substr(next, std::min(find_either(text, '\r', '\n', next), text.size()) - next);
    end = line_end;
    std::size_t colon = line.find(':');
    bool label = colon != std::string_view::npos && colon < 30 && colon > 0 && line[0] >= 'A' && line[0] <= 'Z' &&
                 find_any(line.substr(0, colon), "<>@.") == std::string_view::npos;
    if (trim(line).empty() || label || next >= text.size()) break;
    end = next;
  }
  return end;
}

/// Exchange Online since about 2016: a table of "Error:" (or "Reported error:"), "Message rejected by:", "Sent by:".
std::optional<Refusal> exchange_table(const mail::Text& text, std::size_t limit, std::string& reporter) {
  std::string_view all = text.view().substr(0, limit);
  for (auto label : {"notification sent by:", "sent by:", "reported by:", "generating server:"})
    if (reporter.empty()) reporter = host_value(all, label);
  for (auto label : {"reported error:", "error:"}) {
    auto range = label_value(all, label);
    if (!range || !codes_at(all, range->first)) continue;
    std::size_t end = end_of_value(all, range->first);
    Refusal refusal = read_excerpt(folded(text, range->first, end - range->first), "prose");
    if (std::string host = host_value(all, "message rejected by:"); !host.empty()) refusal.decider = host;
    if (auto to = label_value(all, "recipient address:"))
      refusal.recipient = mail::address_in(all.substr(to->first, to->second - to->first));
    refusal.reporter = reporter;
    return refusal;
  }
  return std::nullopt;
}

/// "Remote Server returned '…'" of Exchange 2013 and Online; "#550 5.7.1 … ##" of 2007 and 2010. The line before, or
/// the beginning of the line, names the host.
std::optional<std::pair<std::size_t, std::size_t>> exchange_quote(std::string_view words, std::string& host) {
  if (std::size_t at = ifind(words, "remote server "); at != std::string_view::npos) {
    std::size_t quote = words.find('\'', at);
    if (quote != std::string_view::npos && quote - at < 300 && icontains(words.substr(at, quote - at), "returned")) {
      std::size_t end = words.find("'\n", quote + 1);
      end = std::min({end, words.find("'\r", quote + 1), words.rfind('\'')});
      NamedHost named = host_in(words.substr(at, quote - at));
      host = named.host;
      auto before = split_words(words.substr(0, at));
      if (host.empty() && !before.empty() && looks_like_host(before.back())) host = canonical_name(before.back());
      if (end != std::string_view::npos && end > quote) return std::pair{quote + 1, end};
    }
  }
  std::size_t hash = words.find('#');
  if (hash == std::string_view::npos || (hash > 0 && !is_space(words[hash - 1]))) return std::nullopt;
  auto codes = codes_at(words, hash + 1);
  if (!codes || codes->code == 0) return std::nullopt;
  std::size_t end = words.find('#', hash + 5);
  auto before = split_words(words.substr(0, hash));
  if (!before.empty() && looks_like_host(before.back())) host = canonical_name(before.back());
  return std::pair{hash + 1, end == std::string_view::npos ? words.size() : end};
}

/// What [from, to) quotes; nullopt where there is no reply in it.
std::optional<Refusal> quoted_in(const mail::Text& text, std::size_t from, std::size_t to) {
  if (!may_quote_reply(text.view().substr(from, to - from))) return std::nullopt;
  Refusal refusal = read_excerpt(folded(text, from, to - from), "prose");
  return quotes_reply(refusal) ? std::optional(std::move(refusal)) : std::nullopt;
}

std::optional<Refusal> read_block(const mail::Text& text, const Block& block) {
  std::string_view words = text.view().substr(block.begin, block.end - block.begin);
  std::string host;
  Refusal refusal;
  if (auto quote = exchange_quote(words, host)) {
    refusal = read_excerpt(folded(text, block.begin + quote->first, quote->second - quote->first), "prose");
    if (!host.empty()) refusal.decider = host;
  } else {
    auto quoted = quoted_in(text, block.begin, block.end);
    if (!quoted) return std::nullopt;
    refusal = std::move(*quoted);
  }
  if (auto phase = transcript_phase(words)) refusal.phase = phase;
  if (refusal.decider.empty() && words.starts_with(">>>")) {
    // Sendmail names the host once, above the commands of the session.
    std::string_view before = text.view().substr(0, block.begin);
    before = before.substr(before.size() - std::min<std::size_t>(before.size(), 2000));
    std::size_t cue = std::string_view::npos;
    for (std::size_t at = ifind(before, "talking to "); at != before.npos; at = ifind(before, "talking to ", at + 1))
      cue = at;
    if (cue != std::string_view::npos) refusal.decider = host_in(before.substr(cue, 300)).host;
  }
  refusal.recipient = block.recipient;
  refusal.original_recipient = block.original;
  return refusal;
}

void merge_block(Refusal refusal, std::vector<Refusal>& out) {
  for (auto& known : out) {
    if (!iequals(known.recipient, refusal.recipient)) continue;
    if (known.reply.code == 0 && refusal.reply.code != 0) std::swap(known, refusal);
    if (!known.phase) known.phase = refusal.phase;
    if (known.decider.empty()) known.decider = refusal.decider;
    if (known.decider_address.empty()) known.decider_address = refusal.decider_address;
    return;
  }
  out.push_back(std::move(refusal));
}

}  // namespace

namespace {

std::vector<std::string> not_recipients(const mail::Header& header) {
  std::vector<std::string> all;
  for (auto name : {"From", "To", "Reply-To", "Sender"})
    for (auto& address : mail::addresses(header.value(name))) all.push_back(std::move(address));
  return all;
}

/// An address among the words that is neither the reporter's nor the one the report went to.
std::string recipient_among(std::string_view words, const mail::Header* header) {
  const auto others = header ? not_recipients(*header) : std::vector<std::string>();
  for (int tries = 0; tries < 20; ++tries) {
    std::string address = mail::address_in(words);
    if (address.empty()) return {};
    words.remove_prefix(words.find(address) + address.size());
    bool own =
        std::any_of(others.begin(), others.end(), [&](const std::string& other) { return iequals(other, address); });
    std::string local = to_lower(local_part_of(address));
    for (std::string_view role : {"postmaster", "mailer-daemon", "abuse", "support", "helpdesk"})
      own = own || local == role;
    if (!own && domain_of(address).find('.') != std::string::npos) return address;
  }
  return {};
}

/// Blocks: one recipient each. Recipients listed one below the other share the words that follow the last of them.
void read_blocks(const mail::Text& text, const Layout& layout, Prose& prose) {
  std::vector<const Block*> sharing;
  for (const auto& block : layout.blocks) {
    if (trim(text.view().substr(block.begin, block.end - block.begin)).empty()) {
      sharing.push_back(&block);
      continue;
    }
    auto refusal = read_block(text, block);
    sharing.push_back(&block);
    for (const auto* one : sharing) {
      if (!refusal) {
        prose.wordings.push_back({one->recipient, block.begin, block.end - block.begin});
        continue;
      }
      Refusal its = one == &block ? std::move(*refusal) : *refusal;
      its.recipient = one->recipient;
      its.original_recipient = one->original;
      merge_block(std::move(its), prose.refusals);
    }
    sharing.clear();
  }
}

/// No block quotes a reply: the words as a whole, or the first paragraph that does.
std::optional<Refusal> read_whole(const mail::Text& text, std::size_t end) {
  end = std::min(end, 2 * reply_limit);
  if (auto whole = quoted_in(text, 0, end)) return whole;
  std::string_view words = text.view().substr(0, end);
  for (std::size_t at = 0, count = 0; at < words.size() && count < 100; ++count) {
    std::size_t stop =
        std::min({words.find("\n\n", at), words.find("\r\n\r\n", at), words.find("\r\r", at), words.size()});
    if (auto one = quoted_in(text, at, stop)) return one;
    at = std::min(words.find_first_not_of("\r\n", stop), words.size());
  }
  return std::nullopt;
}

void take_table(Refusal table, const mail::Text& text, const Layout& layout, Prose& prose) {
  std::string_view words = text.view().substr(0, layout.end);
  if (table.recipient.empty() && !layout.blocks.empty()) table.recipient = layout.blocks.front().recipient;
  if (table.recipient.empty()) table.recipient = mail::address_in(words);
  merge_block(std::move(table), prose.refusals);
  std::string host = host_value(words, "message rejected by:");
  if (host.empty()) return;
  for (auto& refusal : prose.refusals) refusal.decider = host;
}

}  // namespace

Prose read_prose(const mail::Text& text, const mail::Header* header) {
  Prose prose;
  Layout layout = lay_out(text.view());
  std::string_view words = text.view().substr(0, layout.end);
  prose.returned_at = layout.returned_at;
  prose.session_phase = transcript_phase(words);
  auto table = exchange_table(text, layout.end, prose.reporter);
  read_blocks(text, layout, prose);
  if (table) take_table(std::move(*table), text, layout, prose);
  std::string recipient = header ? mail::first_address(header->value("X-Failed-Recipients")) : std::string();
  if (recipient.empty() && !layout.blocks.empty()) recipient = layout.blocks.front().recipient;
  if (recipient.empty()) recipient = recipient_among(words, header);
  if (prose.refusals.empty()) {
    if (auto refusal = read_whole(text, layout.end)) {
      if (prose.session_phase) refusal->phase = prose.session_phase;
      if (!recipient.empty()) refusal->recipient = recipient;
      prose.refusals.push_back(std::move(*refusal));
    }
  }
  for (auto& refusal : prose.refusals)
    if (refusal.reporter.empty()) refusal.reporter = prose.reporter;
  if (prose.refusals.empty()) prose.wordings.push_back({recipient, 0, layout.end});
  return prose;
}

}  // namespace smtpdx::dsn
