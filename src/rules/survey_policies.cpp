// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.hpp"
#include "rules/survey.hpp"

namespace smtpdx::rules {

using diag::Seen;
using diag::Survey;

namespace {

/// The texts of an answer that begin with `word`, in any case.
std::vector<std::string> texts_with(const dns::Answer& answer, std::string_view word) {
  std::vector<std::string> found;
  for (const auto& record : answer.records)
    if (istarts_with(record.text, word)) found.push_back(record.text);
  return found;
}

/// "a=b; c=d": names in lower case, values as written. Nothing where a part is no "name=value".
std::optional<std::vector<std::pair<std::string, std::string>>> tags_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (const auto part : split(text, ';')) {
    if (trim(part).empty()) continue;
    const auto sign = part.find('=');
    if (sign == part.npos) return std::nullopt;
    tags.emplace_back(to_lower(trim(part.substr(0, sign))), std::string(trim(part.substr(sign + 1))));
  }
  return tags;
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& tags, std::string_view name) {
  const auto it = std::find_if(tags.begin(), tags.end(), [&](const auto& t) { return t.first == name; });
  return it == tags.end() ? std::string() : it->second;
}

About about(const Seen<dns::Answer>& seen) { return {seen.what.name, {seen.id}}; }

std::string shown(const std::vector<std::string>& texts) { return printable(join(texts, " | "), 500); }

/// RFC 7489 §6.6.3 and RFC 8461 §3.1 count only records that begin with exactly "v=…;".
std::vector<std::string> valid_ones(const std::vector<std::string>& texts, std::string_view version) {
  std::vector<std::string> valid;
  for (const auto& text : texts) {
    const auto end = std::string_view(text).substr(0, text.find(';'));
    if (trim(end) == version && text.starts_with("v=")) valid.push_back(text);
  }
  return valid;
}

/// RFC 8461 §3.1: up to 32 letters and digits.
bool is_policy_id(std::string_view id) {
  const auto fits = [](char c) { return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); };
  return !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), fits);
}

/// Looks for the one record of a policy; says by `absent` and `invalid` what is wrong. Its tags where all is well.
std::optional<std::vector<std::pair<std::string, std::string>>> the_record(const Seen<dns::Answer>& seen,
                                                                           std::string_view version,
                                                                           std::string_view absent,
                                                                           std::string_view invalid, Findings& out) {
  const auto it = about(seen);
  if (!settled(seen.what.status)) {
    out.untested(absent, it, "the look-up failed: " + std::string(to_string(seen.what.status)));
    return std::nullopt;
  }
  const auto texts = texts_with(seen.what, version);
  out.check(absent, it, texts.empty());
  if (texts.empty()) return std::nullopt;
  const auto valid = valid_ones(texts, version);
  const auto tags = valid.size() == 1 ? tags_of(valid.front()) : std::nullopt;
  if (tags) return tags;
  out.fault(invalid, it, valid.size() > 1 ? "there are several: " + shown(valid) : shown(texts));
  return std::nullopt;
}

void judge_mta_sts(const Survey& s, Findings& out) {
  const auto tags = the_record(*s.mta_sts, "v=STSv1", "STS-01", "STS-02", out);
  if (!tags) return;
  const auto id = value_of(*tags, "id");
  out.check("STS-02", about(*s.mta_sts), !is_policy_id(id),
            id.empty() ? "id= is missing" : "id= takes at most 32 letters and digits: " + printable(id, 100));
}

void judge_tls_rpt(const Survey& s, Findings& out) {
  const auto tags = the_record(*s.tls_rpt, "v=TLSRPTv1", "TRPT-01", "TRPT-02", out);
  if (!tags) return;
  const auto rua = value_of(*tags, "rua");
  out.check("TRPT-02", about(*s.tls_rpt), rua.empty(), "rua= is missing");
  if (rua.empty()) return;
  std::vector<std::string> bad;
  for (const auto part : split(rua, ','))
    if (!istarts_with(trim(part), "mailto:") && !istarts_with(trim(part), "https:")) bad.emplace_back(trim(part));
  out.check("TRPT-03", about(*s.tls_rpt), !bad.empty(), shown(bad));
}

void judge_validation(dns::Validation validation, const About& it, std::string_view signed_id,
                      std::string_view holds_id, Findings& out) {
  using dns::Validation;
  if (validation == Validation::unchecked) {
    out.untested(signed_id, it, "nothing was validated here: give the root's key by --trust-anchor", diag::Side::ours);
    return;
  }
  out.check(holds_id, it, validation == Validation::bogus);
  if (validation != Validation::bogus) out.check(signed_id, it, validation == Validation::insecure);
}

}  // namespace

void judge_policies(const Survey& s, Findings& out) {
  if (s.mta_sts) judge_mta_sts(s, out);
  if (s.tls_rpt) judge_tls_rpt(s, out);
}

void judge_dnssec(const Survey& s, Findings& out) {
  if (!s.mx) return;
  judge_validation(s.mx->what.mx.mx.validation, {s.target, {s.mx->id}}, "SEC-01", "SEC-02", out);
  for (const auto& host : s.hosts) {
    const auto answers = host.lookup.what.lookup.answers();
    if (answers.empty()) continue;
    judge_validation(answers.front().validation, {host.name, {host.lookup.id}}, "SEC-03", "SEC-04", out);
  }
}

std::vector<diag::Finding> judge(const Survey& s) {
  Findings out(s.target);
  judge_mx(s, out);
  judge_dnssec(s, out);
  judge_spf(s, out);
  judge_dmarc(s, out);
  judge_policies(s, out);
  judge_hosts(s, out);
  return out.take();
}

}  // namespace smtpdx::rules
