// SPDX-License-Identifier: Apache-2.0
#include "api/headers.hpp"
#include "base/text.hpp"
#include "dmarc/words.hpp"
#include "mail/date.hpp"
#include "spf/words.hpp"

namespace smtpdx::api {

namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string line(const std::string& head, const std::string& text) { return padded(head, 9) + text + "\n"; }

const char* word_of(HeadersReport::Verdict verdict) {
  switch (verdict) {
    case HeadersReport::Verdict::pass:
      return "PASS";
    case HeadersReport::Verdict::warn:
      return "WARN";
    case HeadersReport::Verdict::fail:
      return "FAIL";
    case HeadersReport::Verdict::untested:
      return "OPEN";
    case HeadersReport::Verdict::nothing:
      return "INFO";
  }
  return "";
}

std::string signature_text(const dkim::Verdict& v, const std::string& head) {
  const auto& s = v.signature;
  std::string first = padded(dkim::to_string(v.result), 10);
  if (!s.domain.empty()) first += "d=" + s.domain + " s=" + s.selector + " " + s.algorithm;
  if (v.key_bits > 0) first += " (" + std::to_string(v.key_bits) + " bits)";
  auto out = line(head, first);
  if (!v.detail.empty())
    out += line("", v.detail + (*dkim::section(v.reason) ? std::string(" [") + dkim::section(v.reason) + "]" : ""));
  if (v.mathematics && *v.mathematics && v.result != dkim::Result::pass)
    out += line("", "the signature itself would verify");
  for (const auto& e : v.explanations) out += line("", (e.proved ? "proved: " : "perhaps: ") + e.text);
  for (const auto& remark : v.remarks) out += line("", "note: " + remark);
  if (!v.can_be_added.empty() && v.result == dkim::Result::pass) {
    std::string names;
    for (const auto& name : v.can_be_added) names += (names.empty() ? "" : " ") + name;
    out += line("", "note: not over-signed, a second one could be added unseen: " + names);
  }
  return out;
}

std::string aligned(const std::string& domain, const HeadersReport& r) {
  switch (alignment_of(r, domain)) {
    case Alignment::strict:
      return "aligned with From (the same domain)";
    case Alignment::relaxed:
      return "aligned with From (relaxed: of the same organization)";
    case Alignment::none:
      return "not aligned with From (" + r.from_domain + ")";
  }
  return "";
}

std::string dmarc_text(const HeadersReport& r) {
  if (!r.dmarc) return line("DMARC", "not decided: " + r.dmarc_reason);
  auto out = line("DMARC", padded(dmarc::to_string(r.dmarc->result), 10) + dmarc::why(*r.dmarc));
  for (const auto& i : r.dmarc->identifiers) out += line("", dmarc::why(*r.dmarc, i));
  for (const auto& difference : r.dmarc_differences) out += line("", "RFC 7489 differs: " + difference);
  return out;
}

std::string spf_text(const HeadersReport& r) {
  if (!r.spf) return line("SPF", "not looked at: " + r.spf_reason);
  auto out =
      line("SPF", padded(spf::to_string(r.spf->result), 10) + spf::headline(*r.spf) + " [" + r.session.source + "]");
  if (r.spf->result != spf::Result::pass) out += line("", spf::why(*r.spf));
  return out + line("", aligned(r.spf->domain, r));
}

std::string arc_text(const arc::Chain& chain) {
  auto out = line("ARC", padded(arc::to_string(chain.result), 10) + chain.detail);
  if (chain.sets.empty()) return out;
  for (const auto& set : chain.sets)
    out += line("", padded("i=" + std::to_string(set.instance), 10) + set.seal.signature.domain + " cv=" +
                        set.seal.signature.chain + "  seal " + dkim::to_string(set.seal.result) + ", message " +
                        dkim::to_string(set.message_signature.result) + "  " + printable(set.results, 120));
  if (chain.oldest_pass && *chain.oldest_pass > 0)
    out += line("", "the mail was changed before set " + std::to_string(*chain.oldest_pass) +
                        ": the message signatures below it do not hold any more");
  return out;
}

std::string duration_text(Duration d) {
  const auto seconds = to_ms(d) / 1000;
  const std::string sign = seconds < 0 ? "-" : "+";
  const auto n = seconds < 0 ? -seconds : seconds;
  if (n < 120) return sign + std::to_string(n) + "s";
  if (n < 7200) return sign + std::to_string(n / 60) + "m" + std::to_string(n % 60) + "s";
  return sign + std::to_string(n / 3600) + "h" + std::to_string(n / 60 % 60) + "m";
}

std::string hop_text(const Hop& hop, std::size_t number, bool verbose) {
  const auto& r = hop.received;
  std::string from = printable(r.from.empty() ? r.name : r.from, 80);
  if (r.address) from += (from.empty() ? "[" : " [") + r.address->to_string() + "]";
  std::string text = padded(r.date ? mail::rfc3339(*r.date) : "no date", 21);
  text += padded(hop.delay ? duration_text(*hop.delay) : "", 8);
  text += (from.empty() ? "" : from + " ") + "> " + printable(r.by, 80);
  text += r.with.empty() ? "" : "  " + printable(r.with, 20);
  text += r.tls.empty() || r.tls == "yes" ? "" : " " + r.tls;
  if (hop.clock != Hop::Clock::fine) text += std::string("  clock ") + to_string(hop.clock);
  auto out = line("Hop " + std::to_string(number), text);
  if (verbose && !hop.added.empty()) {
    std::string names;
    for (const auto& name : hop.added) names += " " + name;
    out += line("", "added here or later:" + names);
  }
  return out;
}

}  // namespace

std::string headers_text(const HeadersReport& r, TextStyle style) {
  std::string verdict = word_of(r.verdict);
  if (style.color) verdict = "\033[1m" + verdict + "\033[0m";
  std::string out = verdict + " " + r.summary + "\n";
  for (const auto& w : r.warnings) out += line("Warn", w);
  out += line("From", r.from.empty() ? "(none)" : r.from);
  for (std::size_t i = 0; i < r.dkim.size(); ++i)
    out += signature_text(r.dkim[i], "DKIM") +
           (r.dkim[i].signature.domain.empty() ? "" : line("", aligned(r.dkim[i].signature.domain, r)));
  if (r.dkim.empty()) out += line("DKIM", "none");
  out += spf_text(r) + dmarc_text(r) + arc_text(r.arc);
  for (const auto& h : r.handling)
    out += line(h.kind == Handling::Kind::list      ? "List"
                : h.kind == Handling::Kind::forward ? "Forward"
                                                    : "Gateway",
                h.who + " (" + h.because + ")");
  for (std::size_t i = 0; i < r.hops.size(); ++i) out += hop_text(r.hops[i], i + 1, style.verbose);
  for (const auto& f : r.found) {
    std::string said = f.said.server.empty() ? "(no name)" : f.said.server;
    for (const auto& one : f.said.results) said += " " + printable(one.method, 30) + "=" + printable(one.result, 30);
    out += line("Said by", said);
    for (const auto& d : f.differs) out += line("", "differs: " + d);
  }
  return out;
}

}  // namespace smtpdx::api
