// SPDX-License-Identifier: Apache-2.0
//
// SPF as it would go for an address that nothing names (engine/check.cpp): every term is looked at, so that what it
// costs and what is gone shows whole.

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "rules/survey.hpp"
#include "spf/record.hpp"
#include "spf/words.hpp"

namespace smtpdx::rules {

using diag::Survey;
using spf::FlawKind;
using spf::Outcome;
using spf::Reason;
using spf::TermKind;

namespace {

constexpr unsigned most_lookups = 10, near_most = 8;  // RFC 7208 §4.6.4
constexpr std::size_t most_voids = 2;

std::string shown(std::string_view text) { return printable(text, 300); }

std::string_view check_for(FlawKind kind) {
  switch (kind) {
    case FlawKind::not_ascii:
      return "SPF-04";
    case FlawKind::unknown_mechanism:
      return "SPF-06";
    case FlawKind::repeated_modifier:
      return "SPF-24";
    default:
      return "SPF-05";
  }
}

std::string term_of(const Outcome& o, const spf::Step& step) {
  const auto& policy = o.policies[step.policy];
  auto words = shown(step.where.of(policy.text));
  return step.policy == 0 ? words : words + " (in the record of " + shown(policy.domain) + ")";
}

/// The domain's own record is there, is one, and can be read.
bool judge_record(const Outcome& o, const About& it, Findings& out) {
  if (o.policies.empty()) return false;
  const auto& own = o.policies.front();
  if (own.reason == Reason::dns_failed || own.reason == Reason::dns_timed_out) {
    if (own.text.empty()) {
      out.untested("SPF-01", it, spf::why(o, own));
      return false;
    }
  }
  const bool none = own.text.empty();
  std::vector<std::string> near;
  for (const auto& text : own.near) near.push_back(shown(text));
  out.check("SPF-03", it, !near.empty(), join(near, " | "));
  out.check("SPF-01", it, none);
  if (none) return false;
  std::vector<std::string> others{shown(own.text)};
  for (const auto& text : own.others) others.push_back(shown(text));
  out.check("SPF-02", it, !own.others.empty(), join(others, " | "));
  if (!own.others.empty()) return false;
  if (own.flaw) out.fault(check_for(own.flaw->kind), it, spf::describe(*own.flaw, own.text));
  for (const auto id : {"SPF-04", "SPF-05", "SPF-06", "SPF-24"})
    if (!own.flaw || check_for(own.flaw->kind) != id) out.pass(id, it);
  return !own.flaw;
}

/// What stands in the record, whatever DNS says about it.
void judge_terms(std::string_view text, const spf::Record& record, const About& it, Findings& out) {
  const spf::Term* all = nullptr;
  std::vector<std::string> behind, twice, unknown, inside, ptr;
  std::set<std::string> seen;
  for (const auto& term : record.terms) {
    const auto words = shown(term.where.of(text));
    if (all && !spf::is_modifier(term.kind)) behind.push_back(words);
    if (!all && term.kind == TermKind::all) all = &term;
    if (!spf::is_modifier(term.kind) && !seen.insert(to_lower(words)).second) twice.push_back(words);
    if (term.kind == TermKind::unknown_modifier) unknown.push_back(words);
    if (term.kind == TermKind::ptr) ptr.push_back(words);
    const bool network = term.kind == TermKind::ip4 || term.kind == TermKind::ip6;
    const auto prefix = "/" + std::to_string(term.kind == TermKind::ip4 ? term.prefix4 : term.prefix6);
    if (!network) continue;
    const auto block = Network::parse(term.network.to_string() + prefix);
    if (block && block->has_host_bits) inside.push_back(words + " means " + block->to_string());
  }
  out.check("SPF-15", it, all && all->qualifier == spf::Qualifier::pass);
  const bool says_nothing = all ? all->qualifier == spf::Qualifier::neutral : !record.redirect.has_value();
  out.check("SPF-16", it, says_nothing, all ? "?all" : "it has neither all nor redirect=");
  out.check("SPF-18", it, !behind.empty(), join(behind, " "));
  out.check("SPF-19", it, all && record.redirect);
  out.check("SPF-23", it, !twice.empty(), join(twice, " "));
  out.check("SPF-07", it, !unknown.empty(), join(unknown, " "));
  out.check("SPF-14", it, !ptr.empty(), join(ptr, " "));
  out.check("SPF-30", it, !inside.empty(), join(inside, ", "));
}

std::string costs(const Outcome& o) {
  std::vector<std::string> parts;
  for (const auto& step : o.steps)
    if (step.policy == 0 && step.inner != spf::nowhere)
      parts.push_back(shown(step.where.of(o.policies[0].text)) + " costs " +
                      std::to_string(o.policies[step.inner].lookups + 1));
  return parts.empty() ? "" : "; " + join(parts, ", ");
}

/// What a term finds for an address that nothing names says something about others, too, unless it asks about that
/// address itself.
bool asks_about_client(const Outcome& o, const spf::Step& step) {
  const auto words = step.where.of(o.policies[step.policy].text);
  return step.kind == TermKind::ptr || words.find('%') != words.npos;
}

/// The includes and redirects that lead to a policy on the way to themselves.
std::vector<std::string> circles(const Outcome& o) {
  std::set<std::string> found;
  for (const auto& step : o.steps) {
    if (step.inner == spf::nowhere) continue;
    const auto& domain = o.policies[step.inner].domain;
    for (auto above = step.policy;; above = o.steps[o.policies[above].via].policy) {
      if (iequals(o.policies[above].domain, domain)) found.insert(term_of(o, step));
      if (o.policies[above].via == spf::nowhere) break;
    }
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> void_terms(const Outcome& o) {
  std::vector<std::string> gone;
  for (const auto& step : o.steps) {
    const bool is_void = std::any_of(step.looked.begin(), step.looked.end(), [](const auto& l) { return l.is_void; });
    if (is_void && !asks_about_client(o, step)) gone.push_back(term_of(o, step));
  }
  return gone;
}

/// What the look-ups came to. The survey's own limits are wide (engine/check.cpp): what an evaluation counts, it counts
/// whole, unless an error ends it before.
void judge_lookups(const Outcome& o, const About& it, Findings& out) {
  const auto gone = void_terms(o), round = circles(o);
  out.check("SPF-22", it, !round.empty(), join(round, ", "));
  if (!round.empty()) return;
  const auto count = std::to_string(o.lookups) + " of 10" + costs(o);
  const bool ended_early = o.result == spf::Result::permerror || o.result == spf::Result::temperror;
  const bool over = o.lookups > most_lookups;
  if (ended_early && !over) {
    out.untested("SPF-08", it, "an error ends the evaluation after " + count, diag::Side::none);
  } else {
    out.check("SPF-08", it, over, count);
    if (!over) out.check("SPF-09", it, o.lookups >= near_most, count);
  }
  out.check("SPF-20", it, o.reason == Reason::redirect_without_record, spf::why(o));
  out.check("SPF-21", it, o.reason == Reason::include_without_record, spf::why(o));
  out.check("SPF-42", it, o.reason == Reason::dns_failed || o.reason == Reason::dns_timed_out, spf::why(o));
  if (!ended_early || gone.size() > most_voids) out.check("SPF-10", it, gone.size() > most_voids, join(gone, ", "));
  if (!ended_early || !gone.empty()) out.check("SPF-11", it, !gone.empty(), join(gone, ", "));
}

}  // namespace

void judge_spf(const Survey& s, Findings& out) {
  if (!s.spf) return;
  const auto& outcome = s.spf->what;
  const About it{s.target, {s.spf->id}};
  if (!judge_record(outcome, it, out)) return;
  const auto& text = outcome.policies.front().text;
  if (const auto record = spf::parse_record(text)) judge_terms(text, *record, it, out);
  judge_lookups(outcome, it, out);
}

}  // namespace smtpdx::rules
