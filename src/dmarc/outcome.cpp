// SPDX-License-Identifier: Apache-2.0
#include "dmarc/outcome.hpp"

#include <array>

namespace smtpdx::dmarc {

namespace {

struct ReasonRow {
  Reason reason;
  const char* id;
  const char* old_section;
  const char* new_section;
};

constexpr std::array reasons{
    ReasonRow{Reason::aligned, "aligned", "6.6.2", "5.3.5"},
    ReasonRow{Reason::not_authenticated, "not-authenticated", "6.6.2", "5.3.5"},
    ReasonRow{Reason::not_aligned, "not-aligned", "3.1", "5.3.5"},
    ReasonRow{Reason::no_domain, "no-domain", "6.6.1", "5.3.1"},
    ReasonRow{Reason::no_record, "no-record", "6.6.3", "4.10.1"},
    ReasonRow{Reason::several_records, "several-records", "6.6.3", "4.10"},
    ReasonRow{Reason::unusable_record, "unusable-record", "6.6.3", "4.10.1"},
    ReasonRow{Reason::dns_failed, "dns-failed", "6.6.3", "5.3.6"},
    ReasonRow{Reason::identifier_unknown, "identifier-unknown", "6.6.2", "5.3.6"},
};

const ReasonRow& row_of(Reason reason) { return reasons[static_cast<std::size_t>(reason)]; }

constexpr bool in_order() {
  for (std::size_t i = 0; i < reasons.size(); ++i)
    if (static_cast<std::size_t>(reasons[i].reason) != i) return false;
  return true;
}
static_assert(in_order());

template <class Enum, std::size_t Count>
const char* name_of(Enum value, const std::array<const char*, Count>& names) {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace

const char* to_string(Reason reason) { return row_of(reason).id; }

std::string section_of(Reason reason, Profile profile) {
  if (profile == Profile::rfc7489) return std::string("RFC 7489 §") + row_of(reason).old_section;
  return std::string("RFC 9989 §") + row_of(reason).new_section;
}

const char* to_string(Result result) {
  return name_of(result, std::array{"none", "pass", "fail", "temperror", "permerror"});
}
const char* to_string(Mechanism mechanism) { return mechanism == Mechanism::spf ? "spf" : "dkim"; }
const char* to_string(Found found) { return name_of(found, std::array{"record", "nothing", "several", "failed"}); }
const char* to_string(FoundBy by) {
  return name_of(by, std::array{"public-suffix-list", "psd-no", "below-psd", "fewest-labels", "itself", "unknown"});
}
const char* to_string(Alignment alignment) {
  return name_of(alignment, std::array{"identical", "same-organization", "none", "unknown", "not-evaluated"});
}
const char* to_string(PolicySource source) { return name_of(source, std::array{"p", "sp", "np"}); }

}  // namespace smtpdx::dmarc
