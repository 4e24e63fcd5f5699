// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.hpp"
#include "dmarc/record.hpp"
#include "rules/survey.hpp"

namespace smtpdx::rules {

using diag::Survey;
using dmarc::FlawKind;
using dmarc::Outcome;
using dmarc::Policy;
using dmarc::Reason;

namespace {

constexpr std::size_t most_uris = 2;  // RFC 7489 §6.2: a receiver has to send to two

struct FlawCheck {
  FlawKind kind;
  std::string_view id;
};
constexpr FlawCheck flaw_checks[] = {
    {FlawKind::bad_tag, "DMARC-05"},     {FlawKind::p_missing, "DMARC-06"},   {FlawKind::p_not_second, "DMARC-07"},
    {FlawKind::removed_tag, "DMARC-12"}, {FlawKind::unknown_tag, "DMARC-15"}, {FlawKind::repeated_tag, "DMARC-16"},
    {FlawKind::bad_value, "DMARC-17"},   {FlawKind::bad_uri, "DMARC-20"},     {FlawKind::size_limit, "DMARC-22"},
};

std::string shown(std::string_view text) { return printable(text, 300); }

std::string shown(const std::vector<std::string>& texts) { return shown(join(texts, " | ")); }

/// The places of one kind of flaw, as written.
std::string places(const Outcome& o, FlawKind kind) {
  std::vector<std::string> words;
  for (const auto& flaw : o.record->flaws)
    if (flaw.kind == kind) words.push_back(o.text.substr(flaw.offset, flaw.length));
  return shown(join(words, ", "));
}

bool enforced(Policy policy) { return policy != Policy::none; }

/// What the record says, once it can be used.
void judge_words(const Outcome& o, const About& it, Findings& out) {
  const auto& record = *o.record;
  for (const auto& [kind, id] : flaw_checks) out.check(id, it, record.has(kind), places(o, kind));
  const auto p = record.p.value.value_or(Policy::none);
  out.check("DMARC-08", it, !enforced(p), "failing mail is delivered as if nothing were published");
  out.check("DMARC-09", it, enforced(p) && record.sp.value == Policy::none);
  if (enforced(p)) out.check("DMARC-10", it, record.np.value.value_or(p) == Policy::none, "np=none");
  out.check("DMARC-11", it, record.test, "t=y lowers the policy by one step");
  out.check("DMARC-13", it, record.psd == dmarc::Psd::yes, "psd=y is for registries");
  out.check("DMARC-19", it, record.rua.empty());
  out.check("DMARC-21", it, record.rua.size() > most_uris || record.ruf.size() > most_uris, shown(record.rua));
  out.check("DMARC-25", it, !record.ruf.empty(), shown(record.ruf));
}

/// At the target's own _dmarc name.
void judge_place(const Survey& s, const About& it, Findings& out) {
  for (const auto& looked : s.dmarc->what.looked) {
    if (looked.domain != s.target) continue;
    std::vector<std::string> others, several;
    for (const auto& record : looked.answer.records) {
      const bool near = std::find(looked.near.begin(), looked.near.end(), record.text) != looked.near.end();
      if (dmarc::is_record(record.text)) several.push_back(record.text);
      if (!dmarc::is_record(record.text) && !near) others.push_back(record.text);
    }
    out.check("DMARC-04", it, !looked.near.empty(), shown(looked.near));
    out.check("DMARC-26", it, !others.empty(), shown(others));
    if (!several.empty()) out.check("DMARC-02", it, several.size() > 1, shown(several));
  }
  if (!s.txt || !settled(s.txt->what.status)) return;
  std::vector<std::string> misplaced;
  for (const auto& record : s.txt->what.records)
    if (istarts_with(record.text, "v=DMARC1")) misplaced.push_back(record.text);
  out.check("DMARC-03", {s.target, {s.txt->id}}, !misplaced.empty(), shown(misplaced));
}

}  // namespace

void judge_dmarc(const Survey& s, Findings& out) {
  if (!s.dmarc) return;
  const auto& o = s.dmarc->what;
  const About own{s.target, {s.dmarc->id}};
  if (o.reason == Reason::dns_failed) {
    out.untested("DMARC-01", own, "the policy could not be looked up");
    return;
  }
  out.check("DMARC-01", own, o.reason == Reason::no_record && o.text.empty());
  judge_place(s, own, out);
  if (o.record) judge_words(o, {o.policy_domain, {s.dmarc->id}}, out);
}

}  // namespace smtpdx::rules
