// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "render/layout.hpp"
#include "render/render.hpp"
#include "render/transcript.hpp"

namespace smtpdx::render {

namespace {

const dsn::Refusal* refusal_of(const diag::Report& report) {
  return report.refusal ? &report.refusal->refusal : nullptr;
}

/// The host that refuses: as a live session showed it, else as the bounce names it.
std::string refusing_host(const diag::Report& report) {
  for (const auto& o : report.observations)
    if (const auto* a = std::get_if<diag::Attempt>(&o.fact); a && a->outcome == diag::Outcome::refused)
      return a->shape.host;
  const auto* r = refusal_of(report);
  return r ? r->decider : std::string();
}

std::string own_address(const diag::Report& report) {
  if (report.question.client.address) return report.question.client.address->to_string();
  const auto* r = refusal_of(report);
  if (r && !r->client_address.empty()) return r->client_address;
  return report.question.sources.empty() ? std::string() : report.question.sources.front().to_string();
}

std::string value_of(std::string_view name, const Subject& s) {
  const auto& q = s.report.question;
  const auto* r = refusal_of(s.report);
  if (name == "server") return q.server ? q.server->host : refusing_host(s.report);
  if (name == "port") return q.server && q.server->port != 0 ? std::to_string(q.server->port) : "587";
  if (name == "from") {
    const auto sender = diag::sender_of(q, r);  // headers may hold its domain only, which no command takes
    return sender.find('@') != std::string::npos ? sender : std::string();
  }
  if (name == "to") return diag::recipient_of(q, r);
  if (name == "to_domain") return domain_of(diag::recipient_of(q, r));
  if (name == "from_domain") return domain_of(diag::sender_of(q, r));
  if (name == "user") return q.user;
  if (name == "mx") return refusing_host(s.report);
  if (name == "ip") return own_address(s.report);
  if (name == "helo") return q.client.helo;
  if (name == "transcript") {
    auto lines = refused_transcript(s);
    while (lines.ends_with('\n')) lines.pop_back();
    return lines;
  }
  return {};
}

template <class Form>
std::string filled(std::string_view pattern, const Subject& subject, Form form) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    const auto brace = std::min(pattern.find('{', i), pattern.size());
    out += pattern.substr(i, brace - i);
    i = brace;
    if (i == pattern.size()) break;
    const auto close = pattern.find('}', i);
    if (close == std::string_view::npos) {
      out += pattern[i++];
      continue;
    }
    const auto name = pattern.substr(i + 1, close - i - 1);
    auto value = value_of(name, subject);
    if (value.empty()) {
      value = std::string(name);
      std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::toupper(c); });
    }
    out += form(value);
    i = close + 1;
  }
  return out;
}

}  // namespace

std::string fill(std::string_view pattern, const Subject& subject) {
  return filled(pattern, subject, [](std::string value) { return value; });
}

std::string fill_command(std::string_view pattern, const Subject& subject) {
  return filled(pattern, subject, shell_word);
}

namespace {

/// `{command}` is filled by itself: what strangers gave is quoted there.
std::string written(const kb::Letter& l, std::string_view command, const Subject& subject) {
  const auto host = refusing_host(subject.report);
  std::string to = l.to;
  const auto& zone = subject.zone_contact;
  if (l.to == "postmaster")
    to = "postmaster@" + fill("{to_domain}", subject) + (host.empty() ? "" : ", postmaster@" + host) +
         (zone.empty() ? "" : ", " + zone);
  if (l.to == "soa-rname") to = zone.empty() ? "hostmaster@" + fill("{to_domain}", subject) : zone;
  std::string body;
  std::string_view rest = l.body;
  for (std::size_t at; (at = rest.find("{command}")) != std::string_view::npos; rest.remove_prefix(at + 9))
    body += fill(rest.substr(0, at), subject) + fill_command(command, subject);
  return "To: " + to + "\nSubject: " + fill(l.subject, subject) + "\n\n" + body + fill(rest, subject) + "\n";
}

}  // namespace

std::string letter(const Subject& subject, const kb::LetterBook& book) {
  for (const auto& v : subject.report.causes) {
    // A letter states the cause as a fact to somebody else: what is merely possible is no reason to write one.
    if (v.verdict != diag::Verdict::proved && v.verdict != diag::Verdict::likely) continue;
    const auto* cause = subject.catalogue.cause(v.code);
    if (cause && cause->letter) return written(kb::compose(book, *cause), cause->confirm.command, subject);
  }
  const auto* r = refusal_of(subject.report);
  return r && r->is_refusal() ? written(kb::compose_inquiry(book), "", subject) : std::string();
}

}  // namespace smtpdx::render
