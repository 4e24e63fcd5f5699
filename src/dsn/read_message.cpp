// SPDX-License-Identifier: Apache-2.0
#include "dsn/read_message.hpp"

// A message → its parts: a delivery report (RFC 3464), a complaint (RFC 5965), the words before the returned message, a
// bounce attached or quoted within. The machine-readable part says which recipients there are; the words say what it
// leaves out (the phase, the host, sometimes the reply itself), so both are read and joined by recipient.
//
// Bounds: 20 nested parts, 3 bounces within one another, 1 MiB of words a part (delivery-status 4 MiB).

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/text.hpp"
#include "dsn/delivery_report.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/known_wording.hpp"
#include "dsn/notification.hpp"
#include "dsn/prose.hpp"
#include "dsn/recognise.hpp"
#include "dsn/returned.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"
#include "mail/charset.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t report_limit = std::size_t{4} << 20;
constexpr std::size_t words_limit = std::size_t{1} << 20;
constexpr int most_bounces_deep = 3;

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

mail::Text text_of(const mail::Part& part, std::size_t limit) {
  mail::Text text = mail::to_utf8(mail::decode_body(part, limit), part.content_type.parameter("charset"));
  return part.content_type.type == "text/html" ? mail::html_to_text(text) : text;
}

mail::Text words_of(const mail::Part* plain, const mail::Part* html) {
  mail::Text text;
  if (plain != nullptr) text = text_of(*plain, words_limit);
  if (html != nullptr && trim(std::string_view(text.octets()).substr(0, 4096)).empty())
    text = text_of(*html, words_limit);
  return text;
}

enum class Completeness { whole, cut_off };

bool is_about(const std::string& recipient, const Refusal& refusal, bool cut) {
  if (iequals(recipient, refusal.recipient) || iequals(recipient, refusal.original_recipient)) return true;
  return cut && istarts_with(recipient, refusal.recipient);
}

/// The last recipient of a report whose end is missing: where its fields break off, the words above are whole.
void complete(Refusal& refusal, const Refusal& words) {
  refusal.recipient = words.recipient;
  if (words.decided().text.size() <= refusal.decided().text.size()) return;
  refusal.reply = words.reply;
  refusal.inner = words.inner;
  refusal.evidence = words.evidence;
  refusal.client_address = words.client_address;
}

/// Joins what the words say to what the report says, recipient by recipient.
void join(std::vector<Refusal>& from_report, const Prose& prose, Completeness completeness) {
  for (auto& refusal : from_report) {
    bool cut = completeness == Completeness::cut_off && &refusal == &from_report.back();
    const Refusal* match = nullptr;
    for (const auto& words : prose.refusals)
      if (is_about(words.recipient, refusal, cut)) match = &words;
    if (cut && match != nullptr) complete(refusal, *match);
    if (match == nullptr && from_report.size() == 1 && prose.refusals.size() == 1) match = &prose.refusals.front();
    if (refusal.reporter.empty()) refusal.reporter = prose.reporter;
    if (!refusal.phase && from_report.size() == 1) refusal.phase = prose.session_phase;
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
      if (!refusal.reply.status) refusal.reply.status = status;
    }
  }
}

std::string host_of_sender(const mail::Header& header) {
  std::string domain = domain_of(mail::first_address(header.value("From")));
  return looks_like_host(domain) ? domain : std::string();
}

/// Lines as a mail program quotes them; not ">>>", which is Sendmail's mark of a command.
bool is_quoted(std::string_view text) {
  int lines = 0;
  for (std::size_t at = 0; at < text.size() && lines < 3;) {
    if (text[at] == '>' && !text.substr(at).starts_with(">>>")) ++lines;
    at = std::min(find_either(text, '\r', '\n', at), text.size() - 1) + 1;
  }
  return lines >= 3;
}

/// What stands behind quote marks, one level of them taken off, where it is a message, header and all.
std::optional<mail::Text> quoted_message(mail::Text text) {
  for (int level = 0; level < 3 && is_quoted(text.view()); ++level) {
    text = mail::quoted_lines(text);
    std::string_view words = text.view();
    std::size_t begin = std::min(words.find_first_not_of(" \t\r\n"), words.size());
    if (is_message(words.substr(begin))) return mail::slice(text, begin);
  }
  return std::nullopt;
}

class MessageReader {
 public:
  MessageReader(std::string_view octets, std::size_t base, int depth, std::vector<std::string>& notes)
      : octets_(octets), base_(base), depth_(depth), notes_(notes) {}

  /// All refusals of one message; one entry of its kind where there is none.
  std::vector<Refusal> read() {
    message_ = mail::parse_message(octets_);
    for (const auto& text : message_.notes) note_once(notes_, text);
    parts_ = sort_parts(message_.root);
    is_report_ = from_mail_system(header());
    std::vector<Refusal> found = read_report();
    if (found.empty() && parts_.feedback == nullptr)
      if (auto kind = kind_of_notice(message_.root, words().view())) return {notice(*kind)};
    if (parts_.feedback != nullptr) return complaints();
    // A user's mail is first asked for a bounce within: its own words would be read without their structure.
    bool user = found.empty() && !is_report_;
    if (user) found = read_forwarded();
    if (!found.empty() && user) return based(std::move(found));
    Prose prose = read_words(found.empty());
    if (found.empty()) {
      found = std::move(prose.refusals);
    } else {
      bool cut = std::find(message_.notes.begin(), message_.notes.end(), mail::note_unclosed) != message_.notes.end();
      join(found, prose, cut ? Completeness::cut_off : Completeness::whole);
      add_wordings(found, prose, words_);
      if (cut) add_missing(found, prose);
    }
    if (found.empty() && !user) found = read_forwarded();
    if (!user && (found.empty() || (found.size() == 1 && found[0].is_refusal() && found[0].reply.empty())))
      take_subject(found);
    if (found.empty()) {
      found.push_back(without_refusal());
      return found;
    }
    finish(found);
    return based(std::move(found));
  }

 private:
  const mail::Header& header() const { return message_.root.header; }

  std::vector<Refusal> based(std::vector<Refusal> found) const {
    for (auto& refusal : found)
      for (auto& span : refusal.evidence) span.offset += base_;
    return found;
  }

  std::vector<Refusal> read_report() {
    if (parts_.report != nullptr) {
      mail::Text text = mail::decode_body(*parts_.report, report_limit);
      if (text.truncated) note_once(notes_, "a delivery report was read in part only");
      return refusals_of(parse_delivery_report(text), text);
    }
    if (!is_report_) return {};
    for (const mail::Part* part : {parts_.plain, parts_.html}) {
      if (part == nullptr) continue;
      const bool known = part == parts_.plain && part->body.size() <= words_limit;  // words() are the same
      auto found = known ? fields_among(words()) : fields_among(text_of(*part, report_limit));
      if (!found.empty()) return found;
    }
    return {};
  }

  /// The fields of a delivery report in a part of another type.
  static std::vector<Refusal> fields_among(const mail::Text& text) {
    if (!icontains(text.view(), "final-recipient")) return {};
    return refusals_of(parse_delivery_report(text), text);
  }

  /// RFC 5965: one for each recipient named; where none is, the complained-of message's own header says it.
  std::vector<Refusal> complaints() const {
    Refusal refusal;
    refusal.kind = Kind::complaint;
    mail::Text text = mail::decode_body(*parts_.feedback, report_limit);
    DeliveryReport report = parse_delivery_report(text);
    std::vector<const ReportGroup*> groups{&report.message};
    for (const auto& group : report.recipients) groups.push_back(&group);
    std::vector<std::string> recipients;
    for (const auto* group : groups)
      for (const auto& field : group->fields) {
        bool recipient = field.name == "original-rcpt-to" || field.name == "removal-recipient";
        std::string address = mail::report_address(field.value);
        if (field.name == "original-mail-from" && refusal.sender.empty()) refusal.sender = address;
        auto same = [&](const std::string& known) { return iequals(known, address); };
        if (recipient && !address.empty() && std::none_of(recipients.begin(), recipients.end(), same))
          recipients.push_back(address);
      }
    refusal.reporter = report.reporter();
    if (recipients.empty() && parts_.returned != nullptr)
      recipients.push_back(read_returned(mail::decode_body(*parts_.returned, words_limit).view(), {}).to);
    if (recipients.empty()) recipients.emplace_back();
    std::vector<Refusal> out;
    for (auto& address : recipients) {
      out.push_back(refusal);
      out.back().recipient = std::move(address);
    }
    return out;
  }

  /// The words of the report. Without a machine-readable part they count only where the header or a quoting user says
  /// that a bounce is meant: everybody's mail may hold "550 …" somewhere.
  Prose read_words(bool alone) {
    words();
    mail::Text& text = words_;
    if (alone) {
      Prose told;
      told.refusals = read_notification(text);
      if (!told.refusals.empty()) return told;
    }
    bool report = !alone || is_report_;
    if (alone && is_quoted(text.view())) text = mail::without_quote_marks(text);
    if (!report) {
      if (is_list_mail(header()) || is_auto_reply(header())) return {};
      if (!holds_bounce_marks(text.view())) return {};
    }
    const mail::Header* own = report ? &header() : nullptr;
    Prose prose = read_prose(text, own);
    if (prose.refusals.empty() && parts_.html != nullptr && parts_.plain != nullptr) {
      mail::Text html = text_of(*parts_.html, words_limit);
      Prose other = read_prose(html, own);
      if (!other.refusals.empty()) {
        prose = std::move(other);
        text = std::move(html);
      }
    }
    returned_in_words_ = prose.returned_at;
    if (alone && report) read_without_reply(text, prose);
    return prose;
  }

  /// What quotes no reply: words that the catalogue knows, of each recipient.
  void read_without_reply(const mail::Text& text, Prose& prose) const {
    bool first = prose.refusals.empty();
    for (const auto& wording : prose.wordings) {
      auto same = [&](const Refusal& r) {
        return wording.recipient.empty() || iequals(r.recipient, wording.recipient);
      };
      if (std::any_of(prose.refusals.begin(), prose.refusals.end(), same)) continue;
      auto words = folded(text, wording.from, wording.length);
      if (auto refusal = known_wording(wording.recipient, words)) prose.refusals.push_back(std::move(*refusal));
    }
    if (!prose.refusals.empty() || !first) return;
    // Nobody knows the words; that a mail system sends back a named recipient's message is still a failure.
    std::string recipient = prose.wordings.empty() ? std::string() : prose.wordings.front().recipient;
    if (recipient.empty()) return;
    Refusal refusal;
    refusal.kind = says_delayed(text.view()) ? Kind::delayed : Kind::failed;
    refusal.recipient = std::move(recipient);
    prose.refusals.push_back(std::move(refusal));
  }

  /// Recipients that only the words still name, in a report whose end is missing.
  static void add_missing(std::vector<Refusal>& found, const Prose& prose) {
    if (!found.empty() && found.back().recipient.find('@') == std::string::npos && found.back().is_refusal() &&
        found.back().reply.code == 0)
      found.pop_back();
    for (const auto& words : prose.refusals) {
      auto same = [&](const Refusal& r) { return is_about(words.recipient, r, false); };
      if (!words.recipient.empty() && std::none_of(found.begin(), found.end(), same)) found.push_back(words);
    }
    if (found.empty()) found.emplace_back().kind = Kind::failed;
  }

  /// A report that names recipients and no reason: the words may tell it.
  static void add_wordings(std::vector<Refusal>& found, const Prose& prose, const mail::Text& text) {
    for (auto& refusal : found) {
      if (!refusal.is_refusal() || refusal.reply.code != 0 || !refusal.reply.text.empty()) continue;
      for (const auto& wording : prose.wordings) {
        bool about = wording.recipient.empty() || found.size() == 1 || iequals(wording.recipient, refusal.recipient);
        if (!about) continue;
        auto known = known_wording(wording.recipient, folded(text, wording.from, wording.length));
        if (!known) continue;
        refusal.reply.text = std::move(known->reply.text);
        if (!refusal.recipient.empty() && istarts_with(wording.recipient, refusal.recipient))
          refusal.recipient = wording.recipient;
        refusal.evidence = std::move(known->evidence);
        break;
      }
    }
  }

  /// Reads `inner`, octets of this message in whatever form, as a message of its own; empty where it is no bounce.
  std::vector<Refusal> read_within(const mail::Text& inner, std::string_view how) {
    auto found = MessageReader(inner.view(), 0, depth_ + 1, notes_).read();
    bool bounce =
        std::any_of(found.begin(), found.end(), [](const Refusal& r) { return r.kind != Kind::not_a_bounce; });
    if (!bounce) return {};
    for (auto& refusal : found)
      for (auto& span : refusal.evidence) std::tie(span.offset, span.length) = inner.range(span.offset, span.length);
    note_once(notes_, std::string(how));
    return found;
  }

  /// Nothing in the body names a reason, or the body is missing.
  void take_subject(std::vector<Refusal>& found) const {
    auto subject = is_report_ ? reason_in_subject(header()) : std::nullopt;
    if (!subject) return;
    if (found.empty()) {
      found.push_back(std::move(*subject));
      return;
    }
    found[0].reply = std::move(subject->reply);
    found[0].evidence = std::move(subject->evidence);
    if (found[0].recipient.empty()) found[0].recipient = std::move(subject->recipient);
  }

  /// A bounce within: somebody forwards what came back, attached or, header and all, behind quote marks.
  std::vector<Refusal> read_forwarded() {
    if (depth_ >= most_bounces_deep || (message_.root.content_type.type == "multipart/report" && parts_.report))
      return {};
    for (const mail::Part* part : parts_.messages) {
      auto found = read_within(mail::decode_body(*part, report_limit), "the bounce is attached to another message");
      if (!found.empty()) return found;
    }
    if (parts_.plain == nullptr) return {};
    auto quoted = quoted_message(mail::decode_body(*parts_.plain, report_limit));
    return quoted ? read_within(*quoted, "the bounce is quoted in another message") : std::vector<Refusal>{};
  }

  /// The words of the report, decoded once.
  const mail::Text& words() {
    if (!have_words_) words_ = words_of(parts_.plain, parts_.html);
    have_words_ = true;
    return words_;
  }

  /// "Your message was delivered": nothing was refused.
  Refusal notice(Kind kind) const {
    Refusal refusal;
    refusal.kind = kind;
    refusal.recipient = mail::first_address(header().value("X-Failed-Recipients"));
    if (refusal.recipient.empty()) refusal.recipient = mail::first_address(header().value("From"));
    return refusal;
  }

  Refusal without_refusal() const {
    Refusal refusal;
    if (is_challenge(header()))
      refusal.kind = Kind::challenge;
    else if (is_complaint(message_.root))
      refusal.kind = Kind::complaint;
    else if (is_auto_reply(header()))
      refusal.kind = Kind::auto_reply;
    else
      return refusal;
    // Whoever answers by machine is the one that was written to.
    refusal.recipient = mail::first_address(header().value("From"));
    if (refusal.kind == Kind::complaint && parts_.returned != nullptr) {
      std::string words = mail::decode_body(*parts_.returned, words_limit).octets();
      ReturnedHeaders returned = read_returned(words, {});
      refusal.recipient = returned.to;
      refusal.sender = returned.mail_from.empty() ? returned.from : returned.mail_from;
    }
    return refusal;
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
      if (refusal.reporter.empty() && is_report_) refusal.reporter = host_of_sender(header());
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
  std::vector<std::string>& notes_;
  mail::Message message_;
  Parts parts_;
  bool is_report_ = false;
  bool have_words_ = false;
  mail::Text words_;  ///< see words(); read_words() may take quote marks off
  std::optional<std::size_t> returned_in_words_;
};

}  // namespace

void note_once(std::vector<std::string>& notes, std::string text) {
  if (notes.size() >= 20) return;
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(std::move(text));
}

bool holds_bounce_marks(std::string_view text) {
  int marks = 0;
  for (std::string_view mark :
       {"final-recipient:", "diagnostic-code:", "reporting-mta:", "mail delivery subsystem", "mailer-daemon@",
        "this is the mail system at host", "created automatically by mail delivery software", "could not be delivered",
        "couldn't be delivered", "returned to sender", "undeliverable:", "generating server:", "message rejected by:",
        "remote server returned", "diagnostic information for administrators", "in reply to rcpt to command",
        "delivery to the following recipient failed", "failure notice", "mail delivery failed"})
    marks += icontains(text, mark) ? 1 : 0;
  return marks >= 2;
}

std::vector<Refusal> read_message(std::string_view octets, std::size_t base, std::vector<std::string>& notes) {
  return MessageReader(octets, base, 0, notes).read();
}

}  // namespace smtpdx::dsn
