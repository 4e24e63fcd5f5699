// SPDX-License-Identifier: Apache-2.0
// What somebody pastes: a reply, or the error text of a program that got one.

#include <array>

#include "base/needles.hpp"
#include "base/text.hpp"
#include "dsn/reader.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"

namespace smtpdx::dsn {
namespace {

std::string_view after(std::string_view text, std::string_view cue) {
  std::size_t at = ifind(text, cue);
  return at == std::string_view::npos ? std::string_view() : trim(text.substr(at + cue.size()));
}

/// PHPMailer 6 takes a reply apart: "… Detail: <words> SMTP code: 554 Additional SMTP info: 5.7.1".
std::optional<QuotedReply> phpmailer_reply(std::string_view text) {
  std::string_view code = after(text, "smtp code:");
  auto codes = codes_at(code, 0);
  if (!codes || codes->code == 0) return std::nullopt;
  QuotedReply out;
  out.code = codes->code;
  if (auto status = codes_at(after(text, "additional smtp info:"), 0)) out.status = status->status;
  std::string_view detail = after(text, "detail:");
  out.text = fold_space(detail.substr(0, std::min(ifind(detail, "smtp code:"), reply_limit)));
  return out;
}

/// Quotes, brackets and "smtp;" around the whole.
std::string_view strip_wrapping(std::string_view text) {
  for (int i = 0; i < 4; ++i) {
    text = trim(text);
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'' || text.front() == '`') &&
        text.back() == text.front())
      text = text.substr(1, text.size() - 2);
    else if (istarts_with(text, "smtp;"))
      text.remove_prefix(5);
    else
      break;
  }
  return text;
}

/// The recipient as programs name it outside of the reply.
std::string recipient_around(std::string_view text) {
  static constexpr std::array<std::string_view, 6> words = {
      "recipientsrefused:", "recipients failed:", "rcpt to:", "recipient address ", "failed recipient:", "recipient: "};
  static const Needles cues(words);
  std::array<std::size_t, words.size()> behind{};  // the first of each, 0 where there is none
  cues.each(text, [&](std::size_t cue, std::size_t at) {
    if (behind[cue] == 0) behind[cue] = at + words[cue].size();
    return true;
  });
  for (std::size_t begin : behind) {
    if (begin == 0) continue;
    std::string address = mail::address_in(trim(text.substr(begin)).substr(0, 300));
    if (!address.empty()) return address;
  }
  return {};
}

/// A statement is short; over a whole page a number that looks like a code proves nothing.
constexpr std::size_t statement_limit = 2000;

/// Codes that stand among the words: "(#5.1.1)", "ERROR_CODE :550".
void take_codes_within(QuotedReply& reply) {
  if (reply.status || reply.text.size() > statement_limit) return;
  auto codes = codes_within(reply.text);
  if (!codes) return;
  if (reply.code == 0) reply.code = codes->code;
  if (codes->status && (reply.code == 0 || codes->status->klass == reply.code / 100)) reply.status = codes->status;
  // Zoho: "b@y Invalid Address, ERROR_CODE :550, ERROR_CODE :5.2.2 Mailbox full". What the server said stands behind.
  std::size_t last = std::string::npos;
  for (std::size_t at = ifind(reply.text, "error_code"); at != std::string::npos;
       at = ifind(reply.text, "error_code", at + 1))
    last = at;
  if (last == std::string::npos) return;
  std::size_t words = std::min(reply.text.find_first_not_of(": ", last + 10), reply.text.size());
  if (auto front = codes_at(reply.text, words)) words += front->length;
  std::string_view rest = trim(std::string_view(reply.text).substr(words));
  if (rest.size() >= 8) reply.text = std::string(rest);
}

Kind kind_of(const QuotedReply& reply) {
  if (reply.code != 0) return reply.code < 500 ? Kind::delayed : Kind::failed;
  return reply.status && reply.status->klass == 4 ? Kind::delayed : Kind::failed;
}

}  // namespace

Refusal read_reply_text(std::string_view input) {
  Refusal refusal;
  std::string_view whole = input.substr(0, 4 * reply_limit);
  std::string_view text = strip_wrapping(whole);
  auto evidence = [&](std::string what, std::string_view words) {
    refusal.evidence.push_back(
        {std::move(what), static_cast<std::size_t>(words.data() - whole.data()), words.size(), std::string(words)});
  };
  refusal.phase = phase_in(text);
  Unwrapped unwrapped = unwrap(text);
  std::string_view inner = text.substr(unwrapped.offset, unwrapped.length);
  if (auto split = phpmailer_reply(text)) {
    refusal.reply = *split;
    evidence("reply", text.substr(0, reply_limit));
  } else if (codes_at(text, 0) || !unwrapped.inner) {
    std::string_view outer = without_trailer(text);
    refusal.reply = quoted_reply(outer);
    refusal.inner = unwrapped.inner;
    if (!outer.empty()) evidence("reply", outer);
    if (refusal.inner) evidence("inner-reply", inner);
  } else if (icontains(text.substr(0, unwrapped.offset), "remote server returned") &&
             text.substr(0, unwrapped.offset).find("->") != text.npos) {
    refusal.reply = quoted_reply(without_trailer(text));
    refusal.inner = unwrapped.inner;
    evidence("reply", without_trailer(text));
    evidence("inner-reply", inner);
  } else {
    refusal.reply = *unwrapped.inner;
    evidence("reply", inner);
  }
  take_codes_within(refusal.reply);
  if (refusal.inner) take_codes_within(*refusal.inner);
  refusal.decider = unwrapped.host;
  refusal.decider_address = unwrapped.address;
  refusal.recipient = recipient_around(text);
  if (refusal.recipient.empty()) refusal.recipient = recipient_in(refusal.decided().text);
  refusal.client_address = client_address_in(refusal.decided().text);
  if (refusal.client_address == refusal.decider_address) refusal.client_address.clear();
  refusal.kind = kind_of(refusal.reply);  // the fate of the message is the reporter's to say, not the decider's
  return refusal;
}

}  // namespace smtpdx::dsn
