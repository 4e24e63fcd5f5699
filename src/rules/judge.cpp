// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "kb/permanent.hpp"
#include "rules/rules.hpp"

namespace smtpdx::rules {

using diag::CauseVerdict;
using diag::Verdict;

namespace {

struct Rule {
  std::string_view code;
  CauseVerdict (*judge)(const View&);
};

constexpr std::array rules{
    Rule{"m365.relay_pool_forward", s01_relay_pool_forward},
    Rule{"rcpt.mx_not_configured_for_domain", s02_mx_not_configured},
    Rule{"rcpt.one_mx_stale", s03_one_mx_stale},
    Rule{"rcpt.mx_host_resolves_wrong", s04_mx_host_resolves_wrong},
    Rule{"rcpt.no_mx_falls_to_web_host", s05_no_mx},
    Rule{"rcpt.typo_or_parked_domain", s06_typo},
    Rule{"route.rejecter_not_in_mx", s07_rejecter_not_in_mx},
    Rule{"route.static_override", s08_static_override},
    Rule{"forward.user_forward_to_closed_host", s12_forward_to_closed_host},
    Rule{"submit.auth_not_attempted", s13_auth_not_attempted},
    Rule{"submit.exim_cpanel_unauth", s14_exim_cpanel_unauth},
    Rule{"submit.auth_only_after_tls", s16_auth_only_after_tls},
    Rule{"submit.wrong_port_25", s17_wrong_port},
    Rule{"submit.tls_mode_mismatch", s18_tls_mode_mismatch},
    Rule{"submit.credentials_rejected", s19_credentials_rejected},
    Rule{"submit.auth_swallowed_then_anonymous", s20_auth_swallowed},
    Rule{"submit.authenticated_but_denied_order", s21_authenticated_but_denied},
    Rule{"submit.sender_not_owned", s22_sender_not_owned},
    Rule{"ip.not_in_allowlist", s35_not_in_allowlist},
    Rule{"ip.changed_family_or_dynamic", s36_changed_family},
    Rule{"submit.allowlist_not_on_submission", s70_not_on_submission},
    Rule{"submit.mechanism_mismatch", s63_mechanism_mismatch},
    Rule{"oauth.token_wrong", s26_token_wrong},
    Rule{"m365.connector_mismatch_5764", s29_connector_mismatch},
    Rule{"m365.direct_send_external", s30_direct_send},
    Rule{"own.domain_in_no_class", s40_domain_in_no_class},
    Rule{"own.map_stale_or_not_rebuilt", s41_map_stale},
    Rule{"own.domain_relays_to_itself", s59_relays_to_itself},
    Rule{"own.domain_wrongly_local", s60_wrongly_local},
    Rule{"own.domain_in_two_classes", s61_two_classes},
    Rule{"own.server_config_broken", s68_config_broken},
    Rule{"own.soft_reject_454", s43_soft_reject},
    Rule{"own.routed_address_form", s46_routed_address_form},
    Rule{"net.isp_or_middlebox_intercept", s47_intercepted},
    Rule{"net.port25_egress_blocked", s48_port25_blocked},
    Rule{"lookalike.recipient_unknown_dbeb", s49_recipient_unknown},
    Rule{"lookalike.blocklist_or_access", s50_blocklist_or_access},
    Rule{"client.helo_invalid", s54_helo_invalid},
    Rule{"dns.missing_ptr", s55_missing_ptr},
    Rule{"sender.domain_unresolvable", s64_sender_domain},
    Rule{"submit.tls_certificate_name", s57_certificate_name},
    Rule{"submit.auth_forced", s58_auth_forced},
    Rule{"submit.wrong_endpoint", s67_wrong_endpoint},
};

const Rule* rule_of(const kb::Cause& cause) {
  static const auto by_number = [] {
    std::vector<const Rule*> found(kb::permanent_causes().size() + 1, nullptr);
    for (const auto& rule : rules) found[kb::permanent_number(rule.code)] = &rule;
    return found;
  }();
  return by_number[cause.number];
}

CauseVerdict judge_one(const View& view, const kb::Cause& cause) {
  if (const auto* rule = rule_of(cause))
    if (auto verdict = rule->judge(view); verdict.verdict != Verdict::silent) return verdict;
  if (may_be_reported(cause))
    if (auto verdict = by_report(view, cause); verdict.verdict != Verdict::silent) return verdict;
  return by_words(view, cause);
}

int weight(Verdict v) {
  switch (v) {
    case Verdict::proved:
      return 0;
    case Verdict::likely:
      return 1;
    case Verdict::possible:
      return 2;
    case Verdict::untested:
      return 3;
    case Verdict::ruled_out:
      return 4;
    case Verdict::silent:
      return 5;
  }
  return 5;
}

/// Best verdict first, then the rule's own rank, then the catalogue's order.
void order(std::vector<CauseVerdict>& verdicts, const kb::Catalogue& catalogue) {
  std::sort(verdicts.begin(), verdicts.end(), [&](const CauseVerdict& a, const CauseVerdict& b) {
    const int x = weight(a.verdict), y = weight(b.verdict);
    if (x != y || a.rank != b.rank) return std::tuple(x, a.rank) < std::tuple(y, b.rank);
    return catalogue.cause(a.code) < catalogue.cause(b.code);
  });
}

}  // namespace

diag::Judgement judge(const diag::Case& question, const std::vector<diag::Observation>& observations,
                      const kb::Catalogue& catalogue) {
  View view(question, observations, catalogue);
  diag::Judgement result;
  for (const auto& cause : catalogue.causes()) {
    auto verdict = judge_one(view, cause);
    if (verdict.verdict == Verdict::silent) continue;
    verdict.code = cause.code;
    result.causes.push_back(std::move(verdict));
  }
  order(result.causes, catalogue);
  result.wants = plan(view);
  return result;
}

}  // namespace smtpdx::rules
