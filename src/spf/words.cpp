// SPDX-License-Identifier: Apache-2.0
// The sentences of a check: one for the headline, one for each step and each policy, and what to do. Why here and not
// in data/: they are put together from the evaluation's values, term by term, and say what a term came to, not what to
// think of a cause. They never add a fact that is not in the Outcome.
#include "spf/words.hpp"

#include <array>

#include "base/text.hpp"

namespace smtpdx::spf {

namespace {

constexpr std::size_t shown = 200;
constexpr std::size_t shown_addresses = 4;

std::string quoted(std::string_view text) { return "\"" + printable(text, shown) + "\""; }
std::string name_of(std::string_view name) { return printable(name, shown); }

std::string term_text(const Outcome& o, const Step& step) {
  return std::string(step.where.of(o.policies[step.policy].text));
}

/// Where a term stands, for people: "\"-all\" (octet 12 of the record of example.org)".
std::string place(const Outcome& o, const Step& step) {
  return quoted(term_text(o, step)) + " at octet " + std::to_string(step.where.offset) + " of the record of " +
         name_of(o.policies[step.policy].domain);
}

std::string failure_words(const dns::Answer& answer) {
  std::string words = "the " + std::string(dns::to_string(answer.type)) + " query for " + name_of(answer.name);
  words += answer.status == dns::Status::timed_out ? " got no answer" : " failed";
  return answer.why.empty() ? words : words + " (" + printable(answer.why, shown) + ")";
}

/// The query that ended the check, where one did.
const dns::Answer* failed_answer(const std::vector<Looked>& looked) {
  for (const auto& one : looked) {
    const auto status = one.answer.status;
    if (status != dns::Status::found && status != dns::Status::no_data && status != dns::Status::no_name)
      return &one.answer;
  }
  return nullptr;
}

std::string absence_words(const dns::Answer& answer) {
  if (answer.status == dns::Status::no_name) return name_of(answer.name) + " does not exist";
  return name_of(answer.name) + " has no " + dns::to_string(answer.type) + " record";
}

std::string void_words(const Step& step) {
  std::vector<std::string> names;
  for (const auto& one : step.looked)
    if (one.is_void) names.push_back(absence_words(one.answer));
  return join(names, ", ");
}

std::string addresses(const Step& step) {
  std::vector<std::string> all;
  std::size_t count = 0;
  for (const auto& one : step.looked) {
    if (one.answer.type != dns::Type::A && one.answer.type != dns::Type::AAAA) continue;
    for (const auto& record : one.answer.records)
      if (count++ < shown_addresses) all.push_back(record.address.to_string());
  }
  if (count > shown_addresses) all.push_back(std::to_string(count - shown_addresses) + " more");
  return join(all, ", ");
}

std::string network_words(const Outcome& o, const Step& step) {
  const auto text = term_text(o, step);
  return text.substr(std::min(text.find(':') + 1, text.size()));
}

bool has_prefix(const Outcome& o, const Step& step) { return term_text(o, step).find('/') != std::string::npos; }

std::string match_words(const Outcome& o, const Step& step) {
  const auto target = name_of(step.target);
  switch (step.kind) {
    case TermKind::all:
      return step.qualifier == Qualifier::pass ? "all matches every client: the whole world may send for this domain"
                                               : "all matches every client";
    case TermKind::ip4:
    case TermKind::ip6:
      return o.client + " is in " + network_words(o, step);
    case TermKind::a:
      return target + " has the address " + step.hit + (has_prefix(o, step) ? ", and the client is in its block" : "");
    case TermKind::mx:
      return "a mail host of " + target + " has the address " + step.hit +
             (has_prefix(o, step) ? ", and the client is in its block" : "");
    case TermKind::exists:
      return target + " has an A record, " + step.hit;
    case TermKind::ptr:
      return o.client + " is " + name_of(step.hit) + ", and that name leads back to it";
    default:
      return "the policy of " + target + " passes the client";
  }
}

std::string no_match_words(const Outcome& o, const Step& step) {
  const auto target = name_of(step.target);
  switch (step.reason) {
    case Reason::other_family:
      return "the client's address is of the other family";
    case Reason::no_name:
      return quoted(step.target) + " is no name that DNS can hold, so nothing is there";
    case Reason::no_records:
      return void_words(step);
    case Reason::included_did_not_pass:
      return "the policy of " + target + " comes to " + to_string(o.policies[step.inner].result) +
             ", which for an include is no match";
    case Reason::names_not_confirmed:
      return "no name of the client's PTR records leads back to it";
    case Reason::confirmed_elsewhere:
      return "the client's confirmed names are not in " + target;
    default:
      break;
  }
  if (step.kind == TermKind::ip4 || step.kind == TermKind::ip6)
    return o.client + " is not in " + network_words(o, step);
  const auto found = addresses(step);
  if (found.empty()) return "the mail hosts of " + target + " have no address of the client's family";
  return (step.kind == TermKind::mx ? "the mail hosts of " + target + " have " : target + " has ") + found +
         ", and the client is not there";
}

/// The domains from the identity's down to the step's.
std::vector<std::string_view> chain_of(const Outcome& o, const Step& step) {
  std::vector<std::string_view> names;
  for (auto p = step.policy;; p = o.steps[o.policies[p].via].policy) {
    names.insert(names.begin(), o.policies[p].domain);
    if (o.policies[p].via == nowhere) return names;
  }
}

std::string arrows(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names) out += (out.empty() ? "" : " > ") + name_of(name);
  return out;
}

/// Where a domain includes or redirects to itself again: the way round. Else empty.
std::string circle(const Outcome& o, const Step& step) {
  auto names = chain_of(o, step);
  for (std::size_t i = names.size() - 1; i-- > 0;)
    if (iequals(names[i], names.back())) return arrows({names.begin() + static_cast<std::ptrdiff_t>(i), names.end()});
  return {};
}

std::string too_many_words(const Outcome& o, const Step& step) {
  if (const auto round = circle(o, step); !round.empty())
    return "the record leads back to itself (" + round + "), until the limit of 10 terms that ask DNS";
  const auto names = chain_of(o, step);
  return "one term that asks DNS too many: it is number " + std::to_string(step.lookups) + ", and 10 are allowed" +
         (names.size() < 2 ? "" : " (reached by " + arrows(names) + ")");
}

bool is_error(Result result) { return result == Result::temperror || result == Result::permerror; }

std::string error_words(const Outcome& o, const Step& step) {
  if (step.inner != nowhere && is_error(o.policies[step.inner].result))
    return "the policy of " + name_of(step.target) + " comes to " + to_string(o.policies[step.inner].result) +
           ", which ends the check";
  switch (step.reason) {
    case Reason::too_many_lookups:
      return too_many_words(o, step);
    case Reason::too_many_voids:
      return void_words(step) + ": more than 2 look-ups found nothing";
    case Reason::too_many_mx:
      return name_of(step.target) + " has " +
             std::to_string(step.looked.empty() ? 0 : step.looked.front().answer.records.size()) +
             " MX records; 10 are allowed";
    case Reason::include_without_record:
      return name_of(step.target) + " has no SPF record: " + why(o, o.policies[step.inner]);
    case Reason::redirect_without_record:
      return "the redirect leads to " + name_of(step.target) +
             ", which has no SPF record: " + why(o, o.policies[step.inner]);
    default:
      break;
  }
  const auto* answer = failed_answer(step.looked);
  return answer ? failure_words(*answer) : std::string(to_string(step.reason));
}

std::string modifier_words(const Outcome& o, const Step& step) {
  switch (step.reason) {
    case Reason::redirect_taken:
      return "nothing matched, so the policy of " + name_of(step.target) + " holds in its place; it comes to " +
             to_string(o.policies[step.inner].result);
    case Reason::redirect_unused:
      return "a mechanism matched, so the redirect has no effect";
    case Reason::explanation_taken:
      return "the domain's words for a refusal";
    case Reason::explanation_unusable:
      break;
    case Reason::unknown_modifier:
      return "an unknown modifier, which has no effect; is it a mistyped mechanism?";
    default:
      return "not needed";
  }
  if (step.looked.empty()) return quoted(step.target) + " is no name that DNS can hold: no explanation";
  const auto& answer = step.looked.front().answer;
  if (answer.records.empty())
    return (failed_answer(step.looked) ? failure_words(answer) : absence_words(answer)) + ": no explanation";
  if (answer.records.size() > 1) return name_of(answer.name) + " has several TXT records: no explanation is taken";
  return "the text at " + name_of(answer.name) + " is not plain ASCII or has a broken macro: no explanation is taken";
}

std::string near_words(const Policy& policy) {
  if (policy.near.empty()) return {};
  return "; " + quoted(policy.near.front()) + " is none, since a record begins with \"v=spf1\" and a space";
}

std::string_view nearest_mechanism(std::string_view name) {
  constexpr std::array known{"include", "exists", "redirect", "ip4", "ip6", "all", "ptr", "mx"};
  if (istarts_with(name, "ipv4")) return "ip4";
  if (istarts_with(name, "ipv6")) return "ip6";
  std::string_view best;
  std::size_t distance = 3;
  for (std::string_view one : known)
    if (const auto d = edit_distance(to_lower(name), one); d < distance && name.size() > 1) {
      distance = d;
      best = one;
    }
  return best;
}

std::string mechanism_words(std::string_view name) {
  std::string words = quoted(name) + " is no mechanism of SPF";
  if (iequals(name, "redirect") || iequals(name, "exp"))
    return words + "; it is a modifier, and is written " + to_lower(name) + "=";
  const auto near = nearest_mechanism(name);
  if (near.empty()) return words;
  return words + "; is " + std::string(near) + (near == "redirect" ? "=" : "") + " meant?";
}

}  // namespace

std::string describe(const Flaw& flaw, std::string_view text) {
  const auto at = quoted(flaw.where.of(text));
  const auto term = quoted(flaw.term.of(text));
  switch (flaw.kind) {
    case FlawKind::not_ascii:
      return "an octet that is neither visible ASCII nor a space in " + term;
    case FlawKind::unknown_mechanism:
      return mechanism_words(flaw.where.of(text));
    case FlawKind::bad_modifier_name:
      return at + " is no name of a modifier, which begins with a letter";
    case FlawKind::missing_argument:
      return term + " names nothing: something has to follow it";
    case FlawKind::unexpected_argument:
      return at + " may not stand in " + term;
    case FlawKind::bad_domain:
      return at + " is no domain: it has to end in a dot and a top-level name, or in a macro";
    case FlawKind::address_as_domain:
      return at + " is an address, where a domain has to stand; is ip4: or ip6: meant?";
    case FlawKind::bad_macro:
      return at + " is no macro; a percent sign itself is written %%";
    case FlawKind::macro_only_in_explanation:
      return at + " is allowed only in the text of an explanation";
    case FlawKind::bad_prefix:
      return at + " is no prefix length in " + term;
    case FlawKind::bad_address:
      return at + " is no " +
             (istarts_with(flaw.term.of(text), "ip6") || icontains(flaw.term.of(text), "ip6:") ? "IPv6 address"
                                                                                               : "IPv4 address");
    case FlawKind::repeated_modifier:
      return term + " stands there a second time";
  }
  return term;
}

std::string why(const Outcome& o, const Step& step) {
  switch (step.match) {
    case Match::yes:
      return match_words(o, step);
    case Match::no:
      return no_match_words(o, step);
    case Match::error:
      return error_words(o, step);
    case Match::not_reached:
      return "not reached: a term before it decided";
    default:
      return modifier_words(o, step);
  }
}

std::string why(const Outcome& o, const Policy& policy) {
  switch (policy.reason) {
    case Reason::no_domain:
      return quoted(policy.domain) + " is no domain that could have one";
    case Reason::no_record:
      return (policy.looked && policy.looked->answer.status != dns::Status::found
                  ? absence_words(policy.looked->answer)
                  : "no TXT record of " + name_of(policy.domain) + " is one") +
             near_words(policy);
    case Reason::several_records:
      return name_of(policy.domain) + " has " + std::to_string(1 + policy.others.size()) +
             " SPF records: " + quoted(policy.text) + " and " + quoted(policy.others.front());
    case Reason::syntax:
      return describe(*policy.flaw, policy.text) + ", at octet " + std::to_string(policy.flaw->where.offset) +
             " of the record of " + name_of(policy.domain);
    case Reason::nothing_matched:
      return "no term of the record of " + name_of(policy.domain) + " matched";
    case Reason::dns_failed:
    case Reason::dns_timed_out:
      if (policy.looked && failed_answer({*policy.looked})) return failure_words(policy.looked->answer);
      break;
    default:
      break;
  }
  return o.decided_step == nowhere ? std::string(to_string(policy.reason)) : why(o, o.steps[o.decided_step]);
}

std::string why(const Outcome& o) {
  if (o.decided_policy == nowhere) {
    if (o.domain.empty()) return "no domain is known whose policy could be asked for";
    return quoted(o.domain) + " is no domain name of several labels, so it has no policy";
  }
  if (o.decided_step == nowhere) return why(o, o.policies[o.decided_policy]);
  const auto& step = o.steps[o.decided_step];
  return place(o, step) + ": " + why(o, step);
}

std::string headline(const Outcome& o) {
  const auto domain = name_of(o.domain);
  const auto who = o.client + " to send as " + name_of(o.identity == Identity::helo ? o.domain : o.sender);
  switch (o.result) {
    case Result::none:
      return o.reason == Reason::no_domain ? quoted(o.domain) + " is no domain, so no policy can be asked for"
                                           : domain + " publishes no SPF record";
    case Result::neutral:
      return domain + " says neither yes nor no to " + o.client;
    case Result::pass:
      return domain + " permits " + who;
    case Result::fail:
      return domain + " does not permit " + who;
    case Result::softfail:
      return domain + " does not permit " + who + ", but asks not to refuse for that alone";
    case Result::temperror:
      return "it cannot be found out now what " + domain + " permits";
    case Result::permerror:
      return "the SPF record of " + domain + " cannot be used";
  }
  return domain;
}

}  // namespace smtpdx::spf
