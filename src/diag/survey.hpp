// SPDX-License-Identifier: Apache-2.0
#pragma once

// What `check` saw of a domain, a host or an address, and what it found in it. Plain values: engine/check.hpp gathers
// the one, rules/survey.hpp judges the other.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "diag/facts.hpp"
#include "diag/report.hpp"
#include "dmarc/outcome.hpp"
#include "spf/outcome.hpp"

namespace smtpdx::diag {

/// Something that was seen, and the id of its observation.
template <class T>
struct Seen {
  T what;
  std::string id;  ///< "o4"
};

/// One address of a mail host.
struct AddressSurvey {
  IpAddress address;
  std::optional<Seen<PtrFact>> reverse;
  std::optional<Seen<SessionFact>> session;  ///< at port 25, no further than EHLO and STARTTLS
};

struct HostSurvey {
  std::string name;  ///< canonical; the address itself where an address was the target
  Seen<AddressFact> lookup;
  std::vector<AddressSurvey> addresses;
};

/// Everything that was not asked is absent: areas that --only left out, what a missing record made pointless.
struct Survey {
  std::string target;              ///< canonical
  std::optional<Seen<MxFact>> mx;  ///< absent for an address
  std::vector<HostSurvey> hosts;   ///< in the order of preference
  std::optional<Seen<dns::Answer>> txt, mta_sts, tls_rpt;
  std::optional<Seen<spf::Outcome>> spf;      ///< for an address that no policy is likely to name
  std::optional<Seen<dmarc::Outcome>> dmarc;  ///< the policy for the target, by RFC 9989; no identifiers
  bool connects = false;                      ///< consent covers connections
  WallTime now{};
};

/// For the report's `observations`, by id.
struct SurveyObservation {
  std::string id;
  std::variant<Fact, dns::Answer, spf::Outcome, dmarc::Outcome> seen;
  trace::Evidence evidence;
  Duration took{0};
};

enum class Severity { pass, info, warn, fail, untested };
std::string_view to_string(Severity severity);

struct Finding {
  std::string id;    ///< "SPF-08"
  std::string area;  ///< "spf"
  Severity severity = Severity::pass;
  std::string subject;               ///< the domain, host or address it is about
  std::string title;                 ///< one sentence without a period
  std::string detail;                ///< what exactly; may be empty
  std::vector<std::string> because;  ///< observation ids
  std::vector<std::string> fix;      ///< steps; empty unless something is to be done
  std::string rfc;
  Side side = Side::none;  ///< untested: on whose side the obstacle lies
};

struct CheckReport {
  std::string target;
  std::vector<Finding> findings;
  std::vector<SurveyObservation> observations;
  Duration elapsed{0};
};

}  // namespace smtpdx::diag
