// SPDX-License-Identifier: Apache-2.0
// The sentences of an evaluation. They are put together from its values and never add a fact that is not in them.
#include "dmarc/words.hpp"

#include "base/text.hpp"

namespace smtpdx::dmarc {

namespace {

constexpr std::size_t shown = 200;

std::string name_of(std::string_view name) { return printable(name, shown); }
std::string quoted(std::string_view text) { return "\"" + printable(text, shown) + "\""; }

std::string mechanism_words(const Identifier& id) {
  std::string words = id.mechanism == Mechanism::spf ? "SPF" : "DKIM";
  words += id.verdict == Verdict::pass        ? " passed"
           : id.verdict == Verdict::temperror ? " could not be checked"
                                              : " failed";
  words += " for " + (id.domain.empty() ? std::string("no domain") : name_of(id.domain));
  return id.note.empty() ? words : words + " (" + printable(id.note, shown) + ")";
}

std::string absence_words(const dns::Answer& answer) {
  if (answer.status == dns::Status::no_name) return name_of(answer.name) + " does not exist";
  if (answer.status == dns::Status::no_data) return name_of(answer.name) + " has no TXT record";
  if (answer.status == dns::Status::timed_out) return "the query for " + name_of(answer.name) + " got no answer";
  return "the query for " + name_of(answer.name) + " failed" +
         (answer.why.empty() ? "" : " (" + printable(answer.why, shown) + ")");
}

std::string look_words(const Looked& looked) {
  const auto at = "_dmarc." + name_of(looked.domain);
  switch (looked.found) {
    case Found::record:
      return at + ": " + quoted(looked.text);
    case Found::several:
      return at + " has more than one DMARC record, which counts as none";
    case Found::failed:
      return absence_words(looked.answer);
    case Found::nothing:
      break;
  }
  if (!looked.near.empty())
    return at + ": " + quoted(looked.near.front()) + " is no DMARC record, since one begins with \"v=DMARC1;\"";
  if (looked.answer.status == dns::Status::found) return at + " has TXT records, but none of DMARC";
  return absence_words(looked.answer);
}

std::string organization_words(const Organization& organization) {
  const auto start = name_of(organization.start), domain = name_of(organization.domain);
  switch (organization.by) {
    case FoundBy::public_suffix_list:
      return domain + " is the organizational domain of " + start + " by the public suffix list";
    case FoundBy::psd_no:
      return domain + " is the organizational domain of " + start + ": its record says psd=n";
    case FoundBy::below_psd:
      return domain + " is the organizational domain of " + start + ": the record of the domain above says psd=y";
    case FoundBy::fewest_labels:
      return domain + " is the organizational domain of " + start + ": the highest domain on its way that has a record";
    case FoundBy::itself:
      return start + " is its own organizational domain: no domain on its way has a record";
    case FoundBy::unknown:
      break;
  }
  return "the organizational domain of " + start + " could not be found out";
}

std::string source_words(const Outcome& o) {
  std::string words = "the policy is " + std::string(to_string(o.published)) + ", by ";
  if (o.use == Effective::Use::none_for_reports)
    return words + "rule: a policy tag has no valid value, but rua= asks for reports";
  if (!o.record->p.present && o.source == PolicySource::p) return words + "default: there is no p=";
  words += std::string(to_string(o.source)) + "= of " + name_of(o.policy_domain);
  if (o.source == PolicySource::np) words += ", since " + name_of(o.from_domain) + " does not exist";
  if (o.requested != o.published) words += "; t=y asks for one level less: " + std::string(to_string(o.requested));
  if (o.pct < 100) words += ", asked for " + std::to_string(o.pct) + " percent of what fails";
  return words;
}

std::string unusable_words(const Outcome& o) {
  for (const auto& flaw : o.record->flaws)
    if (flaw.kind == FlawKind::repeated_tag) return describe(flaw, o.text);
  for (const auto& flaw : o.record->flaws)
    if ((flaw.kind == FlawKind::bad_value && (flaw.tag == "p" || flaw.tag == "sp" || flaw.tag == "np")) ||
        flaw.kind == FlawKind::p_missing)
      return describe(flaw, o.text) + ", and no valid rua= asks for reports";
  return "it cannot be used";
}

}  // namespace

std::string describe(const Flaw& flaw, std::string_view record) {
  const auto at = quoted(record.substr(flaw.offset, flaw.length));
  switch (flaw.kind) {
    case FlawKind::bad_tag:
      return at + " is no tag with a value";
    case FlawKind::unknown_tag:
      return at + " is a tag that DMARC does not know, and is ignored";
    case FlawKind::repeated_tag:
      return at + " repeats a tag, which makes the record invalid (RFC 6376 §3.2)";
    case FlawKind::bad_value:
      return at + " has no valid value";
    case FlawKind::bad_uri:
      return at + " is no URI that reports could be sent to; mailto: belongs before an address";
    case FlawKind::p_missing:
      return "there is no p=";
    case FlawKind::p_not_second:
      return at + " does not stand behind v=, where RFC 7489 wants it";
    case FlawKind::removed_tag:
      return at + " means nothing any more since RFC 9989";
    case FlawKind::newer_tag:
      return at + " is new in RFC 9989: receivers of the older kind ignore it";
    case FlawKind::size_limit:
      return at + " means nothing any more since RFC 9989";
  }
  return at;
}

std::string why(const Outcome& o, const Aligned& one) {
  const auto words = mechanism_words(one.identifier);
  const auto from = name_of(o.from_domain);
  switch (one.alignment) {
    case Alignment::identical:
      return words + ", the author's own domain" + (one.counts() ? "" : ": it would be aligned");
    case Alignment::same_organization:
      return words + ", of the same organization as " + from + " (" + name_of(one.organizational) + ")";
    case Alignment::none:
      if (one.mode == Mode::strict) return words + "; alignment is strict, and that is not " + from + " itself";
      return words + ", of another organization (" + name_of(one.organizational) + ") than " + from + " (" +
             name_of(o.organization.domain) + ")";
    case Alignment::unknown:
      return words + "; whether that is the organization of " + from + " could not be found out";
    case Alignment::not_evaluated:
      break;
  }
  return words;
}

std::string why(const Outcome& o) {
  switch (o.reason) {
    case Reason::aligned:
      for (const auto& one : o.identifiers)
        if (one.counts()) return why(o, one);
      break;
    case Reason::not_authenticated:
      return "neither SPF nor DKIM passed for any domain";
    case Reason::not_aligned:
      for (const auto& one : o.identifiers)
        if (one.identifier.verdict == Verdict::pass) return why(o, one);
      break;
    case Reason::no_domain:
      return quoted(o.from_domain) + " is no domain; internationalised names must be given as A-labels";
    case Reason::no_record:
    case Reason::several_records:
      for (const auto& looked : o.looked)
        if (looked.found == Found::several || !looked.near.empty()) return look_words(looked);
      return "there is no record at _dmarc." + name_of(o.from_domain) + " or above it";
    case Reason::unusable_record:
      return "the record of " + name_of(o.policy_domain) + " is useless: " + unusable_words(o);
    case Reason::dns_failed:
      for (const auto& looked : o.looked)
        if (looked.found == Found::failed) return look_words(looked);
      return "whether " + name_of(o.from_domain) + " exists could not be found out";
    case Reason::identifier_unknown:
      for (const auto& one : o.identifiers)
        if (one.identifier.verdict == Verdict::temperror || one.alignment == Alignment::unknown) return why(o, one);
      break;
  }
  return to_string(o.reason);
}

std::string headline(const Outcome& o) {
  const auto from = name_of(o.from_domain);
  switch (o.result) {
    case Result::none:
      return "none: " + from + " has no DMARC policy";
    case Result::pass:
      return "pass: the message is authenticated as from " + from;
    case Result::fail:
      return "fail: nothing that passed SPF or DKIM is aligned with " + from + ", whose policy asks " +
             (o.requested == Policy::none ? std::string("for nothing") : "to " + std::string(to_string(o.requested)));
    case Result::temperror:
      return "temperror: it cannot be found out now what holds for " + from;
    case Result::permerror:
      return "permerror: the DMARC record for " + from + " cannot be used";
  }
  return from;
}

std::vector<std::string> trace(const Outcome& o) {
  std::vector<std::string> lines;
  for (const auto& looked : o.looked) lines.push_back(look_words(looked));
  if (!o.organization.start.empty()) lines.push_back(organization_words(o.organization));
  if (o.record && o.use != Effective::Use::unusable) lines.push_back(source_words(o));
  for (const auto& one : o.identifiers) lines.push_back(why(o, one));
  return lines;
}

std::vector<std::string> differences(const Outcome& older, const Outcome& newer) {
  std::vector<std::string> lines;
  const auto both = [&](const std::string& what, std::string_view old, std::string_view now) {
    if (old != now)
      lines.push_back(what + ": " + (old.empty() ? "none" : name_of(old)) + " by RFC 7489, " +
                      (now.empty() ? "none" : name_of(now)) + " by RFC 9989");
  };
  both("result", to_string(older.result), to_string(newer.result));
  both("domain of the policy", older.policy_domain, newer.policy_domain);
  if (!older.organization.start.empty() && !newer.organization.start.empty())
    both("organizational domain of " + name_of(older.from_domain), older.organization.domain,
         newer.organization.domain);
  if (!older.policy_domain.empty() && !newer.policy_domain.empty()) {
    both("policy asked for", to_string(older.requested), to_string(newer.requested));
    if (older.pct < 100)
      lines.push_back("pct=" + std::to_string(older.pct) + " holds by RFC 7489 only; RFC 9989 knows t=y in its place");
  }
  for (std::size_t i = 0; i < older.identifiers.size() && i < newer.identifiers.size(); ++i) {
    const auto& one = older.identifiers[i];
    if (one.identifier.verdict == Verdict::fail || one.alignment == newer.identifiers[i].alignment) continue;
    both("alignment of " + std::string(to_string(one.identifier.mechanism)) + " " + name_of(one.identifier.domain),
         to_string(one.alignment), to_string(newer.identifiers[i].alignment));
  }
  return lines;
}

}  // namespace smtpdx::dmarc
