// SPDX-License-Identifier: Apache-2.0
#include "dsn/reader.hpp"

// Decides what an input is and who reads it. From the most to the least formal:
//   mbox → messages; a message → its parts: a delivery report (RFC 3464), a complaint (RFC 5965), the words before the
//   returned message, a bounce attached or quoted within; no message → log lines, a pasted report, a bounce's words, an
//   SMTP transcript, an error text.
// The machine-readable part says which recipients there are; the words say what the machine part leaves out (the phase,
// the host, sometimes the reply itself), so both are read and joined by recipient.
//
// Bounds: 64 MiB of input, 1,000 refusals, 20 nested parts, 1 MiB of words a part (delivery-status 4 MiB).

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "dsn/delivery_report.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/log_line.hpp"
#include "dsn/prose.hpp"
#include "dsn/returned.hpp"
#include "dsn/transcript.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"
#include "mail/encoded_word.hpp"
#include "mail/mbox.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t input_limit = std::size_t{64} << 20;
constexpr std::size_t most_refusals = 1000;
constexpr std::size_t report_limit = std::size_t{4} << 20;
constexpr std::size_t words_limit = std::size_t{1} << 20;
constexpr int most_bounces_deep = 3;

void note(ReadResult& result, std::string text) {
  if (result.notes.size() >= 20) return;
  if (std::find(result.notes.begin(), result.notes.end(), text) == result.notes.end())
    result.notes.push_back(std::move(text));
}

// ---- A message

struct Parts {
  const mail::Part* report = nullptr;    ///< message/delivery-status
  const mail::Part* feedback = nullptr;  ///< message/feedback-report
  const mail::Part* plain = nullptr;
  const mail::Part* html = nullptr;
  const mail::Part* returned = nullptr;  ///< message/rfc822 or text/rfc822-headers
  std::vector<const mail::Part*> messages;
};

Parts sort_parts(const mail::Part& root) {
  Parts parts;
  auto first = [](const mail::Part*& slot, const mail::Part& part) {
    if (slot == nullptr) slot = &part;
  };
  mail::walk(root, [&](const mail::Part& part) {
    const std::string& type = part.content_type.type;
    if (type == "message/delivery-status" || type == "message/global-delivery-status") {
      first(parts.report, part);
      return false;
    }
    if (type == "message/feedback-report") first(parts.feedback, part);
    if (part.is_message()) {
      first(parts.returned, part);
      parts.messages.push_back(&part);
      return false;
    }
    if (type == "text/rfc822-headers" || type == "message/rfc822-headers" || type == "message/global-headers")
      first(parts.returned, part);
    else if (type == "text/plain")
      first(parts.plain, part);
    else if (type == "text/html")
      first(parts.html, part);
    return true;
  });
  // A multipart that could not be taken apart is read as it stands.
  if (parts.plain == nullptr && parts.html == nullptr && root.is_multipart() && root.parts.empty()) parts.plain = &root;
  return parts;
}

/// How sure the header is that this is a report of a mail system.
bool from_mail_system(const mail::Header& header) {
  if (header.find("X-Failed-Recipients") || header.find("X-MS-Exchange-Message-Is-Ndr")) return true;
  std::string from = to_lower(header.value("From"));
  for (std::string_view name : {"mailer-daemon", "postmaster", "mail delivery", "maildelivery", "mail-daemon",
                                "mailerdaemon", "mail delivery subsystem", "microsoftexchange", "bounce"})
    if (from.find(name) != std::string::npos) return true;
  if (const auto* path = header.find("Return-Path"); path && trim(path->value()) == "<>") return true;
  std::string subject = to_lower(mail::decode_encoded_words(header.value("Subject")));
  for (std::string_view words : {"undeliver", "returned mail", "delivery status notification", "delivery failure",
                                 "mail delivery failed", "failure notice", "delivery failed",
                                 "mail could not be delivered", "non remis", "unzustellbar", "nicht zustellbar"})
    if (subject.starts_with(words) || subject.find(words) != std::string::npos) return true;
  return false;
}

bool is_auto_reply(const mail::Header& header) {
  std::string submitted = to_lower(header.value("Auto-Submitted"));
  if (submitted.starts_with("auto-replied")) return true;
  for (auto name : {"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-From"})
    if (header.find(name)) return true;
  if (iequals(header.value("Precedence"), "auto_reply")) return true;
  std::string subject = to_lower(mail::decode_encoded_words(header.value("Subject")));
  for (std::string_view words : {"auto:", "out of office", "automatic reply", "autoreply", "auto reply", "vacation",
                                 "abwesenheit", "automatische antwort", "réponse automatique"})
    if (subject.starts_with(words)) return true;
  return false;
}

bool is_challenge(const mail::Header& header) {
  for (auto name : {"X-TMDA-Fingerprint", "X-TMDA-Confirm", "X-Boxbe-Notification"})
    if (header.find(name)) return true;
  std::string agent = to_lower(header.value("X-Delivery-Agent"));
  return agent.find("tmda") != std::string::npos;
}

bool is_list_mail(const mail::Header& header) {
  return header.find("List-Id") || header.find("List-Post") || iequals(header.value("Precedence"), "list");
}

mail::Text words_of(const mail::Part* plain, const mail::Part* html) {
  mail::Text text;
  if (plain != nullptr) text = mail::decode_body(*plain, words_limit);
  if (html != nullptr && trim(std::string_view(text.octets()).substr(0, 4096)).empty())
    text = mail::html_to_text(mail::decode_body(*html, words_limit));
  return text;
}

/// Joins what the words say to what the report says, recipient by recipient.
void join(std::vector<Refusal>& from_report, const Prose& prose) {
  for (auto& refusal : from_report) {
    const Refusal* match = nullptr;
    for (const auto& words : prose.refusals)
      if (iequals(words.recipient, refusal.recipient) || iequals(words.recipient, refusal.original_recipient))
        match = &words;
    if (match == nullptr && from_report.size() == 1 && prose.refusals.size() == 1) match = &prose.refusals.front();
    if (refusal.reporter.empty()) refusal.reporter = prose.reporter;
    if (match == nullptr || !refusal.is_refusal()) continue;
    if (!refusal.phase) refusal.phase = match->phase;
    if (refusal.decider.empty()) refusal.decider = match->decider;
    if (refusal.decider_address.empty()) refusal.decider_address = match->decider_address;
    if (refusal.original_recipient.empty()) refusal.original_recipient = match->original_recipient;
    bool poor = refusal.reply.code == 0 && refusal.reply.text.empty();
    bool richer = match->inner.has_value() && !refusal.inner && match->reply.code == refusal.reply.code;
    if (poor || richer) {
      auto status = refusal.reply.status;
      refusal.reply = match->reply;
      refusal.inner = match->inner;
      refusal.evidence = match->evidence;
      refusal.client_address = match->client_address;
      if (!refusal.reply.status && status && (refusal.reply.code == 0 || refusal.reply.code / 100 == status->klass))
        refusal.reply.status = status;
    }
  }
}

std::string host_of_sender(const mail::Header& header) {
  std::string domain = domain_of(mail::first_address(header.value("From")));
  return looks_like_host(domain) ? domain : std::string();
}

class MessageReader {
 public:
  MessageReader(std::string_view octets, std::size_t base, int depth, ReadResult& result)
      : octets_(octets), base_(base), depth_(depth), result_(result) {}

  /// All refusals of one message; one entry of its kind where there is none.
  std::vector<Refusal> read() {
    message_ = mail::parse_message(octets_);
    for (const auto& text : message_.notes) note(result_, text);
    parts_ = sort_parts(message_.root);
    std::vector<Refusal> found = read_report();
    if (parts_.feedback != nullptr) return {complaint()};
    Prose prose = read_words(found.empty());
    if (found.empty()) {
      found = std::move(prose.refusals);
    } else {
      join(found, prose);
      add_wordings(found, prose);
    }
    if (found.empty()) found = read_attached();
    if (found.empty()) {
      found.emplace_back().kind = kind_without_refusal();
      return found;
    }
    finish(found);
    return found;
  }

 private:
  const mail::Header& header() const { return message_.root.header; }

  std::vector<Refusal> read_report() {
    if (parts_.report == nullptr) return {};
    mail::Text text = mail::decode_body(*parts_.report, report_limit);
    if (text.truncated) note(result_, "a delivery report was read in part only");
    return refusals_of(parse_delivery_report(text), text);
  }

  Refusal complaint() const {
    Refusal refusal;
    refusal.kind = Kind::complaint;
    mail::Text text = mail::decode_body(*parts_.feedback, report_limit);
    DeliveryReport report = parse_delivery_report(text);
    auto first = [&](std::string_view name) {
      if (std::string value = report.message.value(name); !value.empty()) return value;
      for (const auto& group : report.recipients)
        if (std::string value = group.value(name); !value.empty()) return value;
      return std::string();
    };
    refusal.recipient = mail::report_address(first("original-rcpt-to"));
    refusal.sender = mail::report_address(first("original-mail-from"));
    refusal.reporter = report.reporter();
    return refusal;
  }

  /// The words of the report. Without a machine-readable part they count only where the header or a quoting user says
  /// that a bounce is meant: everybody's mail may hold "550 …" somewhere.
  Prose read_words(bool alone) {
    mail::Text text = words_of(parts_.plain, parts_.html);
    bool report = !alone || from_mail_system(header());
    if (alone && is_quoted(text.view())) text = mail::without_quote_marks(text);
    std::vector<std::string> hint = mail::addresses(header().value("X-Failed-Recipients"));
    if (!report) {
      if (is_list_mail(header()) || is_auto_reply(header())) return {};
      if (!holds_quoted_bounce(text.view())) return {};
      hint.clear();
    }
    Prose prose = read_prose(text, hint);
    if (prose.refusals.empty() && parts_.html != nullptr && parts_.plain != nullptr) {
      mail::Text html = mail::html_to_text(mail::decode_body(*parts_.html, words_limit));
      Prose other = read_prose(html, hint);
      if (!other.refusals.empty()) {
        prose = std::move(other);
        text = std::move(html);
      }
    }
    returned_in_words_ = prose.returned_at;
    if (alone && prose.refusals.empty() && report) read_without_reply(text, prose);
    words_ = std::move(text);
    return prose;
  }

  /// Lines as a mail program quotes them; not ">>>", which is Sendmail's mark of a command.
  static bool is_quoted(std::string_view text) {
    int lines = 0;
    for (std::size_t at = 0; at < text.size() && lines < 3;) {
      if (text[at] == '>' && !text.substr(at).starts_with(">>>")) ++lines;
      at = std::min(text.find_first_of("\r\n", at), text.size() - 1) + 1;
    }
    return lines >= 3;
  }

  /// Marks that only a bounce has, to tell a forwarded one from talk about mail.
  static bool holds_quoted_bounce(std::string_view text) {
    int marks = 0;
    for (std::string_view mark :
         {"final-recipient:", "diagnostic-code:", "reporting-mta:", "mail delivery subsystem", "mailer-daemon@",
          "this is the mail system at host", "created automatically by mail delivery software",
          "could not be delivered", "couldn't be delivered", "returned to sender",
          "undeliverable:", "generating server:", "message rejected by:", "remote server returned",
          "diagnostic information for administrators", "in reply to rcpt to command",
          "delivery to the following recipient failed", "failure notice", "mail delivery failed"})
      marks += icontains(text, mark) ? 1 : 0;
    return marks >= 2;
  }

  /// A report that quotes no reply: fields of a delivery report among the words, or words that the catalogue knows.
  void read_without_reply(const mail::Text& text, Prose& prose) const {
    if (icontains(text.view(), "final-recipient")) prose.refusals = refusals_of(parse_delivery_report(text), text);
    if (!prose.refusals.empty()) return;
    bool named = prose.wordings.size() > 1;
    for (const auto& wording : prose.wordings) {
      if (named && wording.recipient.empty() && !prose.refusals.empty()) break;
      if (auto refusal = known_wording(wording)) prose.refusals.push_back(std::move(*refusal));
    }
    if (!prose.refusals.empty()) return;
    // Nobody knows the words; that a mail system sends back a named recipient's message is still a failure.
    std::string recipient = named ? prose.wordings.front().recipient : std::string();
    if (recipient.empty()) recipient = mail::first_address(header().value("X-Failed-Recipients"));
    if (recipient.empty()) return;
    Refusal refusal;
    refusal.kind = says_delayed(text.view()) ? Kind::delayed : Kind::failed;
    refusal.recipient = std::move(recipient);
    prose.refusals.push_back(std::move(refusal));
  }

  /// A report that names recipients and no reason: the words may tell it.
  static void add_wordings(std::vector<Refusal>& found, const Prose& prose) {
    for (auto& refusal : found) {
      if (!refusal.is_refusal() || refusal.reply.code != 0 || !refusal.reply.text.empty()) continue;
      for (const auto& wording : prose.wordings) {
        bool about = iequals(wording.recipient, refusal.recipient) || wording.recipient.empty();
        auto known = about ? known_wording(wording) : std::nullopt;
        if (!known) continue;
        refusal.reply.text = std::move(known->reply.text);
        refusal.evidence = std::move(known->evidence);
        break;
      }
    }
  }

  static bool says_delayed(std::string_view text) {
    text = text.substr(0, 4096);
    for (std::string_view cue : {"will keep trying", "not yet been delivered", "will be retried", "has been delayed",
                                 "delivery attempts will continue", "warning: message still", "no action is required"})
      if (icontains(text, cue)) return true;
    return false;
  }

  static std::optional<Refusal> known_wording(const Prose::Wording& wording) {
    auto matches = kb::Catalogue::builtin().match({0, "", wording.words.octets()});
    std::erase_if(matches, [](const kb::PhraseMatch& m) { return m.phrase->wrapper; });
    if (matches.empty()) return std::nullopt;
    const auto& best = matches.front();
    Refusal refusal;
    refusal.kind = says_delayed(wording.words.view()) ? Kind::delayed : Kind::failed;
    refusal.recipient = wording.recipient;
    std::string_view words = wording.words.view();
    std::size_t begin = words.substr(0, best.from).rfind('\n') + 1;
    if (best.from - begin > 200) begin = best.from;
    std::size_t end = std::max(best.to, std::min({words.find('\n', best.to), best.to + 200, words.size()}));
    refusal.reply.text = fold_space(words.substr(begin, end - begin));
    auto [offset, length] = wording.words.range(best.from, best.to - best.from);
    refusal.evidence.push_back({"prose", offset, length, std::string(words.substr(best.from, best.to - best.from))});
    return refusal;
  }

  /// A bounce within: somebody forwards what came back.
  std::vector<Refusal> read_attached() {
    if (depth_ >= most_bounces_deep || (message_.root.content_type.type == "multipart/report" && parts_.report))
      return {};
    for (const mail::Part* part : parts_.messages) {
      std::size_t offset = base_ + part->body_offset;
      std::string_view octets = part->body;
      std::string decoded;
      std::string encoding = part->transfer_encoding();
      bool encoded = encoding == "base64" || encoding == "quoted-printable";
      if (encoded) {
        decoded = mail::decode_body(*part, report_limit).octets();
        octets = decoded;
      }
      auto inner = MessageReader(octets, encoded ? 0 : offset, depth_ + 1, result_).read();
      std::erase_if(inner, [](const Refusal& r) { return !r.is_refusal(); });
      if (encoded)
        for (auto& refusal : inner)
          for (auto& span : refusal.evidence) {
            span.offset = part->body_offset;  // the words lie encoded there; base_ is added by finish()
            span.length = part->body.size();
          }
      if (!encoded)
        for (auto& refusal : inner)
          for (auto& span : refusal.evidence) span.offset -= base_;
      if (!inner.empty()) {
        note(result_, "the bounce is attached to another message");
        return inner;
      }
    }
    return {};
  }

  Kind kind_without_refusal() const {
    if (is_challenge(header())) return Kind::challenge;
    if (parts_.report == nullptr && iequals(message_.root.content_type.parameter("report-type"), "feedback-report"))
      return Kind::complaint;
    return is_auto_reply(header()) ? Kind::auto_reply : Kind::not_a_bounce;
  }

  /// Evidence offsets, the returned headers and what follows from them.
  void finish(std::vector<Refusal>& found) {
    std::string_view returned;
    std::string decoded;
    if (parts_.returned != nullptr) {
      decoded = mail::decode_body(*parts_.returned, words_limit).octets();
      returned = decoded;
    } else if (returned_in_words_) {
      returned = words_.view().substr(*returned_in_words_);
    }
    for (auto& refusal : found) {
      for (auto& span : refusal.evidence) span.offset += base_;
      if (refusal.reporter.empty() && from_mail_system(header())) refusal.reporter = host_of_sender(header());
      if (refusal.recipient.empty()) refusal.recipient = mail::first_address(header().value("X-Failed-Recipients"));
      if (returned.empty() || refusal.returned.present) continue;
      refusal.returned = read_returned(returned, {refusal.reporter, refusal.recipient});
      if (refusal.recipient.empty()) refusal.recipient = refusal.returned.to;
      if (refusal.sender.empty()) refusal.sender = refusal.returned.mail_from;
      if (refusal.sender.empty()) refusal.sender = refusal.returned.from;
    }
  }

  std::string_view octets_;
  std::size_t base_;
  int depth_;
  ReadResult& result_;
  mail::Message message_;
  Parts parts_;
  mail::Text words_;
  std::optional<std::size_t> returned_in_words_;
};

// ---- No message

/// At least two fields that every message has, at the very beginning.
bool is_message(std::string_view octets) {
  mail::Header header = mail::parse_header(octets.substr(0, 256 * 1024), 0, {.header_lines = 2000});
  int known = 0;
  for (std::string_view name :
       {"From", "To", "Subject", "Date", "Received", "Return-Path", "Message-ID", "MIME-Version", "Content-Type",
        "Delivered-To", "X-Failed-Recipients", "Auto-Submitted"})
    known += header.find(name) != nullptr ? 1 : 0;
  return known >= 2;
}

void read_log(std::string_view octets, ReadResult& result) {
  mail::LineReader reader(octets, mail::line_end_of(octets.substr(0, 64 * 1024)));
  std::string_view line;
  while (reader.next(line)) {
    if (auto refusal = read_log_line(line, reader.line_offset())) {
      if (result.refusals.size() >= most_refusals) {
        note(result, "more than 1,000 refusals; the rest was not read");
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

/// Whether the catalogue knows the words; for texts that carry no code.
bool is_known_wording(const Refusal& refusal) {
  if (refusal.reply.text.empty()) return false;
  return understand(refusal, kb::Catalogue::builtin()).reason != kb::Reason::unknown;
}

std::vector<Refusal> read_pasted(std::string_view octets) {
  mail::Text text(std::string(octets.substr(0, words_limit)), 0);
  if (icontains(text.view(), "final-recipient")) {
    auto found = refusals_of(parse_delivery_report(text), text);
    if (!found.empty()) return found;
  }
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
  return is_known_wording(whole) ? std::vector<Refusal>{std::move(whole)} : std::vector<Refusal>{};
}

void add(ReadResult& result, std::vector<Refusal> refusals, std::size_t index) {
  for (auto& refusal : refusals) {
    if (result.refusals.size() >= most_refusals) {
      note(result, "more than 1,000 refusals; the rest was not read");
      return;
    }
    refusal.source_index = index;
    result.refusals.push_back(std::move(refusal));
  }
}

}  // namespace

ReadResult read(const Input& input) {
  ReadResult result;
  std::string_view octets = input.octets.substr(0, input_limit);
  if (octets.size() < input.octets.size()) note(result, "only the first 64 MiB were read");
  if (octets.starts_with("\xEF\xBB\xBF")) note(result, "a byte order mark stands in front");
  std::size_t bom = octets.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::string_view text = octets.substr(bom);
  if (mail::is_mbox(text)) {
    auto messages = mail::split_mbox(text, most_refusals);
    for (std::size_t i = 0; i < messages.size() && result.refusals.size() < most_refusals; ++i)
      add(result, MessageReader(messages[i].octets, bom + messages[i].offset, 0, result).read(), i);
  } else if (is_message(text)) {
    add(result, MessageReader(text, bom, 0, result).read(), 0);
  } else if (is_log(text)) {
    read_log(text, result);
  } else {
    auto found = read_pasted(text);
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
