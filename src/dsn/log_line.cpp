// SPDX-License-Identifier: Apache-2.0
#include "dsn/log_line.hpp"

// Logs are large, so a line is first asked for one telling word and only then read. Formats as of Postfix 3.7, Exim
// 4.96 and Sendmail 8.17. A log's own host is the reporter; of a refusal by our own server (smtpd, Exim's "rejected
// RCPT") it is also the decider. Exim logs its own refusals without a code: none is made up.

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"

namespace smtpdx::dsn {
namespace {

/// The value of "key=" up to a comma, or within brackets "<…>".
std::string_view field(std::string_view line, std::string_view key) {
  for (std::size_t at = line.find(key); at != std::string_view::npos; at = line.find(key, at + 1)) {
    if (at > 0 && line[at - 1] != ' ' && line[at - 1] != ',') continue;
    std::string_view rest = line.substr(at + key.size());
    if (rest.starts_with('<')) return rest.substr(1, std::min(rest.find('>'), rest.size()) - 1);
    return rest.substr(0, find_any(rest, ", "));
  }
  return {};
}

/// Syslog's host: "Nov 24 07:00:00 HOST postfix/…" or "2026-11-24T07:00:00+00:00 HOST postfix/…".
std::string syslog_host(std::string_view line, std::size_t program) {
  auto words = split_words(line.substr(0, program));
  if (words.size() < 2) return {};
  return canonical_name(words.back());
}

/// "postfix/submission/smtpd[123]" → "submission": syslog_name tells the services of one master.cf apart.
std::string postfix_service(std::string_view line, std::size_t program) {
  auto name = line.substr(program + 1);
  name = name.substr(0, find_any(name, "[ "));
  const auto first = name.find('/'), last = name.rfind('/');
  return first == last || last == std::string_view::npos ? std::string()
                                                         : std::string(name.substr(first + 1, last - first - 1));
}

Refusal excerpt(std::string_view line, std::size_t from, std::size_t length, std::size_t offset) {
  mail::Text text(std::string(line.substr(from, length)), offset + from);
  return read_excerpt(folded(text, 0, length), "log");
}

/// Postfix delivering: "to=<b@y>, relay=mx[addr]:25, …, dsn=5.7.1, status=bounced (host … said: …)".
std::optional<Refusal> postfix_delivery(std::string_view line, std::size_t program, std::size_t offset) {
  std::string_view status = field(line, "status=");
  bool failed = status == "bounced" || status == "undeliverable" || status == "expired";
  if (!failed && status != "deferred") return std::nullopt;
  std::size_t open = line.find("(", line.find("status="));
  if (open == std::string_view::npos) return std::nullopt;
  std::size_t close = line.rfind(')');
  std::size_t end = close == std::string_view::npos || close <= open ? line.size() : close;
  Refusal refusal = excerpt(line, open + 1, end - open - 1, offset);
  refusal.kind = failed ? Kind::failed : Kind::delayed;
  refusal.recipient = field(line, "to=");
  refusal.original_recipient = field(line, "orig_to=");
  refusal.reporter = syslog_host(line, program);
  if (!refusal.reply.status && refusal.reply.code == 0)
    refusal.reply.status = smtp::EnhancedStatus::parse(field(line, "dsn="));
  std::string_view relay = field(line, "relay=");
  if (refusal.decider.empty() && refusal.decider_address.empty() && relay != "none") {
    NamedHost host = host_in(relay.substr(0, relay.find(']') + 1));
    refusal.decider = host.host;
    refusal.decider_address = host.address;
  }
  refusal.client_address.clear();
  return refusal;
}

/// Postfix refusing: "NOQUEUE: reject: RCPT from name[addr]: 554 5.7.1 …; from=<a> to=<b> proto=ESMTP helo=<…>".
std::optional<Refusal> postfix_reject(std::string_view line, std::size_t program, std::size_t offset) {
  std::size_t at = line.find("reject: ");
  std::size_t from = at == std::string_view::npos ? at : line.find(" from ", at);
  std::size_t begin = from == std::string_view::npos ? from : line.find("]: ", from);
  if (begin == std::string_view::npos) return std::nullopt;
  begin += 3;
  std::size_t end = std::min(line.find("; from=<", begin), line.find("; client=", begin));
  end = std::min({end, line.find("; proto=", begin), line.size()});
  Refusal refusal = excerpt(line, begin, end - begin, offset);
  refusal.phase = phase_in(line.substr(at, begin - at));
  refusal.client_address = host_in(line.substr(from, begin - 2 - from)).address;
  refusal.sender = field(line, "from=");
  refusal.null_sender = line.find(" from=<>", begin) != std::string_view::npos;
  refusal.service = postfix_service(line, program);
  if (std::string_view to = field(line, "to="); !to.empty()) refusal.recipient = to;
  refusal.reporter = refusal.decider = syslog_host(line, program);
  refusal.decider_address.clear();
  refusal.kind = refusal.reply.code < 500 ? Kind::delayed : Kind::failed;
  return refusal;
}

bool starts_with_date(std::string_view line) {
  return line.size() > 20 && is_digit(line[0]) && is_digit(line[3]) && line[4] == '-' && line[7] == '-' &&
         (line[10] == ' ' || line[10] == 'T') && line[13] == ':';
}

/// Exim delivering: "… ** b@y.example R=dnslookup T=remote_smtp H=mx [addr]: SMTP error from … : 550 …".
std::optional<Refusal> exim_delivery(std::string_view line, std::size_t offset) {
  std::size_t mark = line.substr(0, 80).find(" ** ");
  bool failed = mark != std::string_view::npos;
  if (!failed) mark = line.substr(0, 80).find(" == ");
  if (mark == std::string_view::npos) return std::nullopt;
  std::size_t begin = mark + 4;
  Refusal refusal = excerpt(line, begin, line.size() - begin, offset);
  std::string_view rest = line.substr(begin);
  std::string_view to = rest.substr(0, find_any(rest, " :"));
  refusal.recipient = mail::report_address(to);
  if (std::size_t open = rest.find('<'); open == to.size() + 1)  // "** b@y.example <a@x.example> R=…": rewritten from
    refusal.original_recipient = mail::report_address(rest.substr(open, rest.find('>', open) - open + 1));
  std::size_t host = rest.find(" H=");
  if (host != std::string_view::npos && refusal.decider.empty()) {
    std::size_t end = rest.find(']', host);
    if (end != std::string_view::npos) {
      NamedHost named = host_in(rest.substr(host + 3, end + 1 - host - 3));
      refusal.decider = named.host;
      refusal.decider_address = named.address;
    }
  }
  refusal.kind = failed ? Kind::failed : Kind::delayed;
  refusal.client_address.clear();
  return refusal;
}

/// Exim refusing: "H=(client) [addr] F=<a@x> rejected RCPT <b@y.example>: relay not permitted".
std::optional<Refusal> exim_reject(std::string_view line, std::size_t offset) {
  std::size_t at = line.find("rejected ");
  if (at == std::string_view::npos || line.find(" [") == std::string_view::npos) return std::nullopt;
  std::string_view command = line.substr(at + 9);
  std::optional<smtp::Phase> phase;
  if (command.starts_with("RCPT")) phase = smtp::Phase::rcpt;
  if (command.starts_with("MAIL")) phase = smtp::Phase::mail;
  if (command.starts_with("EHLO") || command.starts_with("HELO")) phase = smtp::Phase::ehlo;
  if (command.starts_with("after DATA")) phase = smtp::Phase::end_of_data;
  if (command.starts_with("connection")) phase = smtp::Phase::connect;
  if (!phase) return std::nullopt;
  std::size_t colon = line.find(": ", at);
  if (colon == std::string_view::npos) return std::nullopt;
  Refusal refusal = excerpt(line, colon + 2, line.size() - colon - 2, offset);
  refusal.phase = phase;
  refusal.sender = field(line, "F=");
  refusal.null_sender = line.substr(0, at).find(" F=<> ") != std::string_view::npos;
  if (phase == smtp::Phase::rcpt) refusal.recipient = mail::address_in(line.substr(at, colon - at));
  refusal.client_address = host_in(line.substr(0, at)).address;
  refusal.decider.clear();
  refusal.decider_address.clear();
  bool temporary = at >= 12 && line.substr(at - 12, 12) == "temporarily ";
  refusal.kind = temporary ? Kind::delayed : Kind::failed;
  return refusal;
}

/// Sendmail: "ruleset=check_rcpt, arg1=<b@y>, relay=[addr], reject=550 5.7.1 …" and "to=<b@y>, …, stat=…".
std::optional<Refusal> sendmail_reject(std::string_view line, std::size_t program, std::size_t offset) {
  std::size_t at = line.find(", reject=");
  if (at == std::string_view::npos) return std::nullopt;
  Refusal refusal = excerpt(line, at + 9, line.size() - at - 9, offset);
  bool rcpt = line.find("ruleset=check_rcpt") != std::string_view::npos;
  refusal.phase = rcpt ? std::optional(smtp::Phase::rcpt) : std::nullopt;
  if (line.find("ruleset=check_mail") != std::string_view::npos) refusal.phase = smtp::Phase::mail;
  if (rcpt) refusal.recipient = mail::report_address(field(line, "arg1="));
  std::size_t relay = line.find("relay=");
  if (relay != std::string_view::npos && relay < at)
    refusal.client_address = host_in(line.substr(relay, at - relay)).address;
  refusal.reporter = refusal.decider = syslog_host(line, program);
  refusal.decider_address.clear();
  return refusal;
}

}  // namespace

bool is_log_line(std::string_view line) {
  line = line.substr(0, 400);
  if (line.find(" postfix/") != std::string_view::npos || line.find(" sm-mta[") != std::string_view::npos ||
      line.find(" sendmail[") != std::string_view::npos || line.find(" exim[") != std::string_view::npos)
    return true;
  if (!starts_with_date(line)) return false;
  // PHPMailer's debug output has Exim's date and an arrow.
  if (line.find("SERVER -> CLIENT") != std::string_view::npos ||
      line.find("CLIENT -> SERVER") != std::string_view::npos)
    return false;
  for (auto mark : {" <= ", " => ", " ** ", " == ", " -> ", " Completed", " H=", " rejected "})
    if (line.find(mark) != std::string_view::npos) return true;
  return false;
}

std::optional<Refusal> read_log_line(std::string_view line, std::size_t offset) {
  line = line.substr(0, reply_limit);
  std::size_t program = line.substr(0, 400).find(" postfix/");
  if (program == std::string_view::npos) program = line.substr(0, 400).find(" postfix-");
  if (program != std::string_view::npos) {
    if (line.find("status=") != std::string_view::npos) return postfix_delivery(line, program, offset);
    if (line.find("reject: ") != std::string_view::npos) return postfix_reject(line, program, offset);
    return std::nullopt;
  }
  for (std::string_view name : {" sm-mta[", " sendmail["}) {
    program = line.substr(0, 400).find(name);
    if (program != std::string_view::npos) return sendmail_reject(line, program, offset);
  }
  std::size_t exim = line.substr(0, 400).find(" exim[");
  if (!starts_with_date(line) && exim == std::string_view::npos) return std::nullopt;
  if (auto refusal = exim_delivery(line, offset)) return refusal;
  return exim_reject(line, offset);
}

}  // namespace smtpdx::dsn
