// SPDX-License-Identifier: Apache-2.0
#include "dsn/words.hpp"

// Lexical only: each function answers one question about a few hundred octets. Whatever would need the whole report
// (whose words are these?) is asked elsewhere. All scans are bounded by reply_limit or by a constant window.

#include <algorithm>
#include <array>
#include <ranges>

#include "base/ip.hpp"
#include "base/needles.hpp"
#include "base/octets.hpp"
#include "base/text.hpp"
#include "mail/address.hpp"

namespace smtpdx::dsn {
namespace {

bool is_word_octet(char c) { return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_'; }

/// Length of "D.D.D" (class 4 or 5) at `at`; 0 where there is none or it is part of a longer number.
std::size_t status_length(std::string_view s, std::size_t at) {
  if (at + 5 > s.size() || (s[at] != '4' && s[at] != '5') || s[at + 1] != '.') return 0;
  std::size_t i = at + 2;
  for (int field = 0; field < 2; ++field) {
    std::size_t begin = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    if (i == begin || i - begin > 3) return 0;
    if (field == 0 && (i >= s.size() || s[i++] != '.')) return 0;
  }
  if (i < s.size() && (is_word_octet(s[i]) || s[i] == '-')) return 0;
  if (i + 1 < s.size() && s[i] == '.' && is_digit(s[i + 1])) return 0;
  return i - at;
}

bool code_begins(std::string_view s, std::size_t at) {
  if (at + 3 > s.size() || (s[at] != '4' && s[at] != '5') || !is_digit(s[at + 1]) || !is_digit(s[at + 2])) return false;
  if (s[at + 1] > '7') return false;  // "5.9y" is no reply, a year or a port is likelier
  if (at + 3 == s.size()) return true;
  char next = s[at + 3];
  if (is_word_octet(next) || next == '/' || next == '%') return false;
  return !(next == '.' && at + 4 < s.size() && is_digit(s[at + 4]));
}

/// True for a line that does not belong to the reply above: `code` are the reply's first three octets.
bool is_trace_line(std::string_view line, std::string_view code) {
  line = trim(line);
  if (line.empty() || line.starts_with(">>>")) return true;
  if (line.starts_with("<<<")) line = trim(line.substr(3));
  if (code_begins(line, 0)) return !code_begins(code, 0) || line.substr(0, 3) != code;
  static constexpr std::string_view starts[] = {
      "at ",   "File \"", "Traceback", "}",        "{",     "During handling", "The abov", "Caused by", "... ",
      "stack", "code: ",  "response",  "command:", "errno", "syscall",         "---",      "___"};
  return std::any_of(std::begin(starts), std::end(starts), [&](std::string_view s) { return line.starts_with(s); });
}

/// What a reply quoted in a message is followed by.
const Needles trailers = {"(in reply to ", "(in response to ", "giving up on ", "i'm not going to try again",
                          "; from=<",      "\", command:",     "[rcpt_to]",     "[mail_from]",
                          "#smtp#",        "};{msg=",          "}};{fqdn=",     "};{fqdn="};

}  // namespace

std::optional<CodesAt> codes_at(std::string_view text, std::size_t at) {
  CodesAt out;
  std::size_t i = at;
  if (code_begins(text, i)) {
    out.code = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
    i += 3;
    while (i < text.size() && (is_space(text[i]) || text[i] == '-' || text[i] == ':')) ++i;
  }
  std::size_t hash = i < text.size() && text[i] == '#' ? 1 : 0;
  if (std::size_t n = status_length(text, i + hash); n > 0) {
    auto status = smtp::EnhancedStatus::parse(text.substr(i + hash, n));
    if (status && (out.code == 0 || status->klass == out.code / 100)) {
      out.status = status;
      i += hash + n;
      while (i < text.size() && (is_space(text[i]) || text[i] == ':' || text[i] == ';')) ++i;
    }
  }
  if (out.code == 0 && !out.status) return std::nullopt;
  out.length = i - at;
  return out;
}

bool may_quote_reply(std::string_view text) {
  // "4yz", "5yz", "4.y", "5.y"
  std::size_t at = 0;
  for (; at + sizeof(Octets) + 2 <= text.size(); at += sizeof(Octets)) {
    const Octets first = octets_at(text.data() + at), second = octets_at(text.data() + at + 1),
                 third = octets_at(text.data() + at + 2);
    if (any_set(((first == '4') | (first == '5')) & ((second - '0' <= 9) | (second == '.')) & (third - '0' <= 9)))
      return true;
  }
  for (; at + 3 <= text.size(); ++at)
    if ((text[at] == '4' || text[at] == '5') && (is_digit(text[at + 1]) || text[at + 1] == '.') &&
        is_digit(text[at + 2]))
      return true;
  return text.find("->") != std::string_view::npos;
}

namespace {

/// The basic code after a word that announces one; 0 where there is none.
int announced_code(std::string_view text) {
  static constexpr std::string_view words[] = {"error_code", "error code",  "responsecode", "response code",
                                               "reply code", "status code", "smtp code",    "smtp error",
                                               "error-code", "errcode",     "error",        "code"};
  static const Needles cues(words);
  const auto code = cues.first_telling(text, [&](std::size_t number, std::size_t at) -> std::optional<int> {
    const std::size_t begin = at + words[number].size();
    std::size_t i = begin;
    while (i < text.size() && (is_space(text[i]) || std::string_view(":=#-([").find(text[i]) != std::string_view::npos))
      ++i;
    if (i == begin || !code_begins(text, i)) return std::nullopt;
    return static_cast<int>(*parse_number(text.substr(i, 3)));
  });
  return code.value_or(0);
}

/// "554 554 5.7.0 …": a reporter put the code in front of a reply that had it already.
void drop_repeated_codes(QuotedReply& reply) {
  auto again = codes_at(reply.text, 0);
  if (!again || again->code == 0 || again->code != reply.code || again->length >= reply.text.size()) return;
  if (!reply.status) reply.status = again->status;
  reply.text = fold_space(std::string_view(reply.text).substr(again->length));
}

bool before_status(char c) { return is_space(c) || std::string_view("#([{,;:=<\"'").find(c) != std::string_view::npos; }

}  // namespace

std::optional<CodesAt> codes_within(std::string_view text) {
  CodesAt out;
  out.code = announced_code(text);
  bool marked = false;
  for (std::size_t i = 0; i + 5 <= text.size(); ++i) {
    if ((text[i] != '4' && text[i] != '5') || (i > 0 && !before_status(text[i - 1]))) continue;
    std::size_t n = status_length(text, i);
    if (n == 0) continue;
    auto status = smtp::EnhancedStatus::parse(text.substr(i, n));
    if (!status || (out.code != 0 && status->klass != out.code / 100)) continue;
    bool hash = i > 0 && text[i - 1] == '#';
    if (!out.status || (hash && !marked)) out.status = status;
    marked = marked || hash;
  }
  if (out.code == 0 && !out.status) return std::nullopt;
  return out;
}

QuotedReply quoted_reply(std::string_view text) {
  text = trim(text.substr(0, reply_limit));
  QuotedReply out;
  if (code_begins(text, 0)) {
    if (auto reply = smtp::parse_reply_line(text)) {
      out.code = reply->code;
      out.status = reply->status;
      out.text = reply->text();
      drop_repeated_codes(out);
      return out;
    }
  }
  if (auto codes = codes_at(text, 0)) {
    out.code = codes->code;
    out.status = codes->status;
    text.remove_prefix(codes->length);
  }
  out.text = fold_space(text);
  drop_repeated_codes(out);
  return out;
}

std::string_view without_trailer(std::string_view text) {
  text = text.substr(0, reply_limit);
  text = text.substr(0, trailers.first_place(text));
  // Lines: a reply goes on where the next line repeats its code or is plain words, not where a program's trace begins.
  std::size_t end = find_either(text, '\r', '\n');
  while (end != std::string_view::npos) {
    std::size_t next = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
    std::size_t stop = std::min(find_either(text, '\r', '\n', next), text.size());
    if (is_trace_line(text.substr(next, stop - next), text.substr(0, 3))) return trim(text.substr(0, end));
    end = stop < text.size() ? stop : std::string_view::npos;
  }
  return trim(text);
}

std::optional<smtp::Phase> phase_in(std::string_view words) {
  using smtp::Phase;
  struct Hint {
    std::string_view words;
    Phase phase;
  };
  // The order matters where one hint is part of another: "end of DATA" before "DATA".
  static constexpr Hint hints[] = {
      {"end of data", Phase::end_of_data},
      {"end-of-data", Phase::end_of_data},
      {"end-of-message from", Phase::end_of_data},
      {"after sending message body", Phase::end_of_data},
      {"refused to talk to me", Phase::connect},
      {"initial connection", Phase::connect},
      {"initial server greeting", Phase::connect},
      {"initial greeting", Phase::connect},
      {"reject: connect from", Phase::connect},
      {"in reply to rcpt to", Phase::rcpt},
      {"after rcpt to", Phase::rcpt},
      {"reject: rcpt from", Phase::rcpt},
      {"rejected rcpt", Phase::rcpt},
      {"rcpt to command failed", Phase::rcpt},
      {"command: 'rcpt to", Phase::rcpt},
      {"in rcpt to", Phase::rcpt},
      {"our rcpt to", Phase::rcpt},
      {"[rcpt_to]", Phase::rcpt},
      {"does not like recipient", Phase::rcpt},
      {"recipientsrefused", Phase::rcpt},
      {"recipients were rejected", Phase::rcpt},
      {"following recipients failed", Phase::rcpt},
      {"rcpt not accepted", Phase::rcpt},
      {"rcpt failed", Phase::rcpt},
      {"smtpaddressfailedexception", Phase::rcpt},
      {"failedrecipientexception", Phase::rcpt},
      {"recipient was rejected", Phase::rcpt},
      {"not accepted by the server", Phase::rcpt},
      {"in reply to mail from", Phase::mail},
      {"after mail from", Phase::mail},
      {"reject: mail from", Phase::mail},
      {"mail from command failed", Phase::mail},
      {"command: 'mail from", Phase::mail},
      {"during mail from", Phase::mail},
      {"[mail_from]", Phase::mail},
      {"our mail from", Phase::mail},
      {"sender was rejected", Phase::mail},
      {"senderrefused", Phase::mail},
      {"smtpsenderfailedexception", Phase::mail},
      {"in reply to starttls", Phase::starttls},
      {"after starttls", Phase::starttls},
      {"in reply to auth", Phase::auth},
      {"after auth", Phase::auth},
      {"smtpauthenticationerror", Phase::auth},
      {"authenticationfailedexception", Phase::auth},
      {"smtp auth not accepted", Phase::auth},
      {"command: 'auth", Phase::auth},
      {"sasl authentication failed; server", Phase::auth},
      {"in reply to ehlo", Phase::ehlo},
      {"in reply to helo", Phase::ehlo},
      {"after ehlo", Phase::ehlo},
      {"after helo", Phase::ehlo},
      {"reject: ehlo from", Phase::ehlo},
      {"reject: helo from", Phase::ehlo},
      {"my name was rejected", Phase::ehlo},
      {"in reply to data command", Phase::data},
      {"error following rcpt command", Phase::rcpt},
      {"rejected recipient", Phase::rcpt},
      {"after data", Phase::data},
      {"reject: data from", Phase::data},
      {"command: 'data", Phase::data},
  };
  static const Needles needles(hints | std::views::transform(&Hint::words));
  const std::size_t found = needles.first_listed(words.substr(0, reply_limit));
  return found == Needles::none ? std::nullopt : std::optional(hints[found].phase);
}

bool looks_like_host(std::string_view word) {
  if (word.ends_with('.')) word.remove_suffix(1);
  if (word.size() < 3 || word.size() > 255 || word.find('.') == std::string_view::npos) return false;
  bool letter = false;
  for (char c : word) {
    if (!is_word_octet(c) && c != '.' && c != '-') return false;
    letter = letter || !(is_digit(c) || c == '.');
  }
  return letter && word.front() != '.' && word.front() != '-' && word.find("..") == std::string_view::npos;
}

namespace {

bool is_host_octet(char c) { return is_word_octet(c) || c == '.' || c == '-'; }

/// The host name that ends just before `end`, white space between allowed.
std::string name_before(std::string_view words, std::size_t end) {
  while (end > 0 && (is_space(words[end - 1]) || words[end - 1] == '(')) --end;
  std::size_t begin = end;
  while (begin > 0 && end - begin < 256 && is_host_octet(words[begin - 1])) --begin;
  std::string_view word = words.substr(begin, end - begin);
  return looks_like_host(word) ? canonical_name(word) : std::string();
}

std::string name_after(std::string_view words, std::size_t at) {
  while (at < words.size() && (is_space(words[at]) || words[at] == '<')) ++at;
  std::size_t end = at;
  while (end < words.size() && end - at < 256 && is_host_octet(words[end])) ++end;
  std::string_view word = words.substr(at, end - at);
  return looks_like_host(word) ? canonical_name(word) : std::string();
}

}  // namespace

NamedHost host_in(std::string_view words) {
  if (words.size() > 4096) words = words.substr(words.size() - 4096);
  for (std::size_t at = words.rfind('['); at != std::string_view::npos && at < words.size();
       at = at == 0 ? std::string_view::npos : words.rfind('[', at - 1)) {
    std::string_view inside = words.substr(at + 1, 60);
    std::size_t close = inside.find(']');
    if (close == std::string_view::npos) continue;
    auto address = IpAddress::parse(inside.substr(0, close));
    if (address) return {name_before(words, at), address->to_string()};
  }
  static constexpr std::array<std::string_view, 5> cues = {"talking to ", "host ", "server ", "connect to ",
                                                           "connected to "};
  static const Needles needles(cues);
  std::array<std::size_t, cues.size()> behind{};  // the last of each, 0 where there is none
  needles.each(words, [&](std::size_t cue, std::size_t at) {
    behind[cue] = at + cues[cue].size();
    return true;
  });
  for (std::size_t begin : behind) {
    if (begin == 0) continue;
    std::string_view rest = words.substr(begin);
    std::size_t end = find_any(rest, " \t\r\n,;:)");
    if (auto address = IpAddress::parse(rest.substr(0, end))) return {{}, address->to_string()};
    if (std::string name = name_after(rest, 0); !name.empty()) return {name, {}};
  }
  // qmail: "192.0.2.25 does not like recipient."
  NamedHost bare;
  for (auto word : split_words(words)) {
    while (word.ends_with('.') || word.ends_with(':') || word.ends_with(',')) word.remove_suffix(1);
    if (auto address = IpAddress::parse(word)) bare.address = address->to_string();
  }
  return bare;
}

std::string client_address_in(std::string_view text) {
  text = text.substr(0, reply_limit);
  for (std::size_t at = find_either(text, '[', '('); at != std::string_view::npos;
       at = find_either(text, '[', '(', at + 1)) {
    std::string_view inside = text.substr(at + 1, 60);
    std::size_t close = find_either(inside, ']', ')');
    if (close == std::string_view::npos) continue;
    inside = inside.substr(0, close);
    if (istarts_with(inside, "ip=")) inside.remove_prefix(3);
    if (auto address = IpAddress::parse(trim(inside))) return address->to_string();
  }
  static constexpr std::string_view words[] = {"client host ", "client ", "host ", "ip address ",
                                               "address ",     "ip ",     "for ",  "ip:"};
  static const Needles cues(words);
  const auto address = cues.first_telling(text, [&](std::size_t number, std::size_t at) -> std::optional<IpAddress> {
    if (at > 0 && is_word_octet(text[at - 1])) return std::nullopt;
    std::string_view rest = trim(text.substr(at + words[number].size(), 60));
    rest = rest.substr(0, find_any(rest, " \t\r\n,;)'\""));
    while (rest.ends_with('.') || rest.ends_with(':')) rest.remove_suffix(1);
    return IpAddress::parse(rest);
  });
  return address ? address->to_string() : std::string();
}

std::string recipient_in(std::string_view text) {
  text = text.substr(0, reply_limit);
  std::string address = mail::address_in(text);
  if (address.empty()) return {};
  static const Needles about_sender{"sender",     "mail from", "from address", "not owned by", "send as",  "sendas",
                                    "identities", "identity",  "as this user", "postmaster@",  "contact ", "abuse@"};
  return about_sender.any_in(text) ? std::string() : address;
}

}  // namespace smtpdx::dsn
