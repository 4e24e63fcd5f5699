// SPDX-License-Identifier: Apache-2.0
#include "spf/outcome.hpp"

#include <array>

namespace smtpdx::spf {

namespace {

struct ReasonRow {
  Reason reason;
  const char* id;
  const char* section;
};

constexpr std::array reasons{
    ReasonRow{Reason::matched, "matched", "4.6.2"},
    ReasonRow{Reason::nothing_matched, "nothing-matched", "4.7"},
    ReasonRow{Reason::no_domain, "no-domain", "4.3"},
    ReasonRow{Reason::no_record, "no-record", "4.5"},
    ReasonRow{Reason::several_records, "several-records", "4.5"},
    ReasonRow{Reason::syntax, "syntax", "4.6"},
    ReasonRow{Reason::too_many_lookups, "too-many-lookups", "4.6.4"},
    ReasonRow{Reason::too_many_voids, "too-many-void-lookups", "4.6.4"},
    ReasonRow{Reason::too_many_mx, "too-many-mx", "4.6.4"},
    ReasonRow{Reason::include_without_record, "include-without-record", "5.2"},
    ReasonRow{Reason::redirect_without_record, "redirect-without-record", "6.1"},
    ReasonRow{Reason::dns_failed, "dns-failed", "2.6.6"},
    ReasonRow{Reason::dns_timed_out, "dns-timed-out", "2.6.6"},
    ReasonRow{Reason::outside, "outside", "5"},
    ReasonRow{Reason::other_family, "other-family", "5"},
    ReasonRow{Reason::no_records, "no-records", "5"},
    ReasonRow{Reason::no_name, "not-a-name", "4.8"},
    ReasonRow{Reason::included_did_not_pass, "included-did-not-pass", "5.2"},
    ReasonRow{Reason::names_not_confirmed, "names-not-confirmed", "5.5"},
    ReasonRow{Reason::confirmed_elsewhere, "confirmed-elsewhere", "5.5"},
    ReasonRow{Reason::unknown_modifier, "unknown-modifier", "6"},
    ReasonRow{Reason::redirect_unused, "redirect-unused", "6.1"},
    ReasonRow{Reason::redirect_taken, "redirect-taken", "6.1"},
    ReasonRow{Reason::explanation_taken, "explanation-taken", "6.2"},
    ReasonRow{Reason::explanation_unusable, "explanation-unusable", "6.2"},
    ReasonRow{Reason::not_reached, "not-reached", "4.6.2"},
};

const ReasonRow& row_of(Reason reason) { return reasons[static_cast<std::size_t>(reason)]; }

constexpr bool in_order() {
  for (std::size_t i = 0; i < reasons.size(); ++i)
    if (static_cast<std::size_t>(reasons[i].reason) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

const char* to_string(Reason reason) { return row_of(reason).id; }
const char* section_of(Reason reason) { return row_of(reason).section; }

const char* to_string(Result result) {
  constexpr std::array names{"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return names[static_cast<std::size_t>(result)];
}

const char* to_string(Identity identity) { return identity == Identity::helo ? "helo" : "mail-from"; }

const char* to_string(Match match) {
  constexpr std::array names{"no-match", "match", "error", "taken", "ignored", "not-reached"};
  return names[static_cast<std::size_t>(match)];
}

}  // namespace smtpdx::spf
