// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "spf/words.hpp"

namespace smtpdx::spf {

namespace {

std::string domain_of_fault(const Outcome& o) {
  return printable(o.decided_policy == nowhere ? o.domain : o.policies[o.decided_policy].domain, 200);
}

std::string term_of_fault(const Outcome& o) {
  if (o.decided_step == nowhere) return {};
  const auto& step = o.steps[o.decided_step];
  return printable(step.where.of(o.policies[step.policy].text), 200);
}

/// The includes of the identity's own record that cost most, where the ten are used up.
std::vector<std::string> dearest(const Outcome& o) {
  std::vector<std::string> lines;
  for (const auto& step : o.steps) {
    if (step.policy != 0 || step.inner == nowhere) continue;
    const auto below = o.policies[step.inner].lookups;
    lines.push_back(printable(step.target, 200) + " costs " + std::to_string(below + 1));
  }
  return lines;
}

/// Whether the policy that used up the ten is one that it was reached from.
bool is_circle(const Outcome& o) {
  const auto& last = o.policies[o.decided_policy];
  for (auto via = last.via; via != nowhere; via = o.policies[o.steps[via].policy].via)
    if (iequals(o.policies[o.steps[via].policy].domain, last.domain)) return true;
  return false;
}

std::vector<std::string> too_many(const Outcome& o) {
  if (is_circle(o))
    return {"Take \"" + term_of_fault(o) + "\" out of the record of " + domain_of_fault(o) +
            ": it leads back to where it was reached from."};
  std::vector<std::string> steps{"Take terms out of the record of " + printable(o.domain, 200) +
                                 " that nobody sends from any more, includes of former providers first."};
  const auto costs = dearest(o);
  if (!costs.empty())
    steps.push_back("Look at the includes that cost most, as far as was counted: " + join(costs, ", ") + ".");
  steps.emplace_back("Write mx and a as ip4: and ip6: where the addresses are your own: those terms ask nothing.");
  steps.emplace_back("Give a provider that needs many a subdomain of its own as the envelope sender.");
  return steps;
}

std::vector<std::string> error_advice(const Outcome& o) {
  const auto domain = domain_of_fault(o), term = term_of_fault(o);
  switch (o.reason) {
    case Reason::syntax:
      return {"Correct the record of " + domain + " at the place named; one flaw makes all of it useless."};
    case Reason::several_records:
      return {"Put the terms of all SPF records of " + domain + " into one, and delete the others."};
    case Reason::too_many_lookups:
      return too_many(o);
    case Reason::too_many_voids:
    case Reason::include_without_record:
    case Reason::redirect_without_record:
      return {"Take \"" + term + "\" out of the record of " + domain +
              ", or mend what it names: what does not exist there now may belong to anybody tomorrow."};
    case Reason::too_many_mx:
      return {"Replace \"" + term + "\" in the record of " + domain + " by the addresses (ip4:, ip6:)."};
    default:
      return {"Try again; if it stays, the name servers of " + domain + " have to be mended by whoever runs them.",
              "Ask another resolver (--resolver ADDR) to see whether it lies with yours."};
  }
}

}  // namespace

std::string whose_job(const Outcome& o) {
  if (o.result == Result::temperror) return "whoever runs the name servers of " + domain_of_fault(o);
  if (o.reason == Reason::no_domain) return "whoever runs the sending server";
  const auto domain = domain_of_fault(o);
  if (iequals(domain, o.domain)) return "whoever runs the DNS of " + domain;
  return "whoever runs the DNS of " + domain + ", or that of " + printable(o.domain, 200) + ", which points there";
}

std::vector<std::string> advice(const Outcome& o) {
  const auto domain = printable(o.domain, 200);
  const std::string address = (o.client.find(':') == std::string::npos ? "ip4:" : "ip6:") + o.client;
  switch (o.result) {
    case Result::pass:
      return {};
    case Result::none:
      if (o.reason == Reason::no_domain)
        return {"Send with an envelope sender, or at least a HELO name, that is a full domain name."};
      return {"Publish a TXT record at " + domain + ": \"v=spf1 " + address + " -all\", with all that sends for it.",
              "Where a provider sends for you, its include: belongs in there too."};
    case Result::neutral:
    case Result::softfail:
    case Result::fail:
      return {"If " + o.client + " is yours to send from: put " + address + " into the record of " + domain +
                  ", or the include: of the provider it belongs to, before \"all\".",
              "If it is a forwarder: let it rewrite the envelope sender (SRS), or rely on DKIM, which survives it.",
              "If it is nobody you know: the mail is forged, and the record does its work."};
    default:
      return error_advice(o);
  }
}

}  // namespace smtpdx::spf
