// SPDX-License-Identifier: Apache-2.0
#include "api/headers_dmarc.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "dmarc/check.hpp"
#include "dmarc/words.hpp"
#include "mail/address.hpp"

namespace smtpdx::api {

const char* to_string(Alignment alignment) {
  switch (alignment) {
    case Alignment::strict:
      return "strict";
    case Alignment::relaxed:
      return "relaxed";
    case Alignment::none:
      return "none";
  }
  return "";
}

Alignment alignment_of(const HeadersReport& report, std::string_view domain) {
  const auto found = std::ranges::find(report.identities, domain, &Identity::domain);
  return found == report.identities.end() ? Alignment::none : found->alignment;
}

namespace {

Alignment alignment_of(const dmarc::PublicSuffixes& suffixes, const std::string& domain, const std::string& from) {
  if (domain.empty() || from.empty()) return Alignment::none;
  if (domain == from) return Alignment::strict;
  return suffixes.organizational(domain) == suffixes.organizational(from) ? Alignment::relaxed : Alignment::none;
}

/// Why DMARC has no say (RFC 7489 §6.6.1); empty where there is exactly one author's domain.
std::string no_single_author(const dkim::Message& message) {
  const auto& all = message.all("From");
  if (all.empty()) return "the mail has no From field";
  if (all.size() > 1) return "the mail has " + std::to_string(all.size()) + " From fields: receivers refuse such mails";
  const auto authors = mail::addresses(message.fields()[all.front()].value());
  if (authors.empty() || domain_of(authors.front()).empty()) return "From names no domain";
  for (const auto& author : authors)
    if (domain_of(author) != domain_of(authors.front())) return "From names authors of several domains";
  return {};
}

std::vector<dmarc::Identifier> identifiers_of(const HeadersReport& r) {
  std::vector<dmarc::Identifier> out;
  for (const auto& v : r.dkim) {
    if (v.signature.domain.empty()) continue;
    const auto verdict = v.result == dkim::Result::pass        ? dmarc::Verdict::pass
                         : v.result == dkim::Result::temperror ? dmarc::Verdict::temperror
                                                               : dmarc::Verdict::fail;
    out.push_back({dmarc::Mechanism::dkim, v.signature.domain, verdict,
                   "s=" + v.signature.selector + ": " + dkim::to_string(v.reason)});
  }
  if (r.spf) {
    const auto verdict = r.spf->result == spf::Result::pass        ? dmarc::Verdict::pass
                         : r.spf->result == spf::Result::temperror ? dmarc::Verdict::temperror
                                                                   : dmarc::Verdict::fail;
    out.push_back({dmarc::Mechanism::spf, r.spf->domain, verdict, spf::to_string(r.spf->result)});
  }
  return out;
}

}  // namespace

void align(const dmarc::PublicSuffixes& suffixes, HeadersReport& r) {
  const auto add = [&](const char* method, const std::string& domain, bool pass) {
    r.identities.push_back({method, domain, pass, alignment_of(suffixes, domain, r.from_domain)});
  };
  for (const auto& v : r.dkim)
    if (!v.signature.domain.empty()) add("dkim", v.signature.domain, v.result == dkim::Result::pass);
  if (r.spf) add("spf", r.spf->domain, r.spf->result == spf::Result::pass);
}

io::Task<void> look_at_dmarc(const dkim::Message& message, const dmarc::PublicSuffixes& suffixes, probes::Env& env,
                             Deadline deadline, HeadersReport& r) {
  r.dmarc_reason = no_single_author(message);
  if (!r.dmarc_reason.empty()) co_return;
  dmarc::Question question;
  question.from_domain = r.from_domain;
  question.identifiers = identifiers_of(r);
  std::vector<io::Task<dmarc::Outcome>> tasks;
  tasks.push_back(dmarc::check(env.resolver, suffixes, question, deadline));
  question.profile = dmarc::Profile::rfc7489;
  tasks.push_back(dmarc::check(env.resolver, suffixes, question, deadline));
  auto both = co_await io::when_all(std::move(tasks));
  // Without SPF a fail is not known to be one: the missing half might have made it pass.
  if (!r.spf && (both[0].result == dmarc::Result::fail || both[1].result == dmarc::Result::fail)) {
    r.dmarc_reason = "no signature makes it pass, and SPF could not be looked at (" + r.spf_reason + ")";
    co_return;
  }
  r.dmarc_differences = dmarc::differences(both[1], both[0]);
  r.dmarc = std::move(both[0]);
  r.dmarc_7489 = std::move(both[1]);
}

}  // namespace smtpdx::api
