// SPDX-License-Identifier: Apache-2.0
#pragma once

// One pure function a cause: observations → verdict. A function says `silent` where nothing speaks for or against its
// cause; words.cpp then weighs the bare wording. Table and order: judge.cpp. A new cause: CONTRIBUTING.md.

#include "rules/view.hpp"

namespace smtpdx::rules {

// recipient.cpp
diag::CauseVerdict s02_mx_not_configured(const View& view);
diag::CauseVerdict s03_one_mx_stale(const View& view);
diag::CauseVerdict s04_mx_host_resolves_wrong(const View& view);
diag::CauseVerdict s05_no_mx(const View& view);
diag::CauseVerdict s06_typo(const View& view);
diag::CauseVerdict s49_recipient_unknown(const View& view);
// route.cpp
diag::CauseVerdict s01_relay_pool_forward(const View& view);
diag::CauseVerdict s07_rejecter_not_in_mx(const View& view);
diag::CauseVerdict s08_static_override(const View& view);
diag::CauseVerdict s12_forward_to_closed_host(const View& view);
// submission.cpp
diag::CauseVerdict s13_auth_not_attempted(const View& view);
diag::CauseVerdict s14_exim_cpanel_unauth(const View& view);
diag::CauseVerdict s16_auth_only_after_tls(const View& view);
diag::CauseVerdict s17_wrong_port(const View& view);
diag::CauseVerdict s18_tls_mode_mismatch(const View& view);
// login.cpp
diag::CauseVerdict s19_credentials_rejected(const View& view);
diag::CauseVerdict s20_auth_swallowed(const View& view);
diag::CauseVerdict s21_authenticated_but_denied(const View& view);
diag::CauseVerdict s22_sender_not_owned(const View& view);
diag::CauseVerdict s26_token_wrong(const View& view);
diag::CauseVerdict s57_certificate_name(const View& view);
diag::CauseVerdict s58_auth_forced(const View& view);
diag::CauseVerdict s63_mechanism_mismatch(const View& view);
diag::CauseVerdict s67_wrong_endpoint(const View& view);
// client.cpp
diag::CauseVerdict s35_not_in_allowlist(const View& view);
diag::CauseVerdict s36_changed_family(const View& view);
diag::CauseVerdict s70_not_on_submission(const View& view);
diag::CauseVerdict s50_blocklist_or_access(const View& view);
diag::CauseVerdict s54_helo_invalid(const View& view);
diag::CauseVerdict s55_missing_ptr(const View& view);
diag::CauseVerdict s64_sender_domain(const View& view);
// tenant.cpp
bool is_tenant_exchanger(std::string_view host);
diag::CauseVerdict s29_connector_mismatch(const View& view);
diag::CauseVerdict s30_direct_send(const View& view);
// network.cpp
/// One address, two identities: port 25 greets under a strange name while a TLS port shows the right certificate.
struct Interception {
  Seen<diag::SessionFact> lie, truth;
};
std::optional<Interception> suspected_interception(const View& view);
diag::CauseVerdict s47_intercepted(const View& view);
diag::CauseVerdict s48_port25_blocked(const View& view);
// config.cpp
diag::CauseVerdict s40_domain_in_no_class(const View& view);
diag::CauseVerdict s43_soft_reject(const View& view);
diag::CauseVerdict s46_routed_address_form(const View& view);
// own_server.cpp
diag::CauseVerdict s41_map_stale(const View& view);
diag::CauseVerdict s59_relays_to_itself(const View& view);
diag::CauseVerdict s60_wrongly_local(const View& view);
diag::CauseVerdict s61_two_classes(const View& view);
diag::CauseVerdict s68_config_broken(const View& view);

/// What the report shows beside its words: the client's address, the service, the empty sender (report.cpp).
diag::CauseVerdict by_report(const View& view, const kb::Cause& cause);
/// False for a cause of which by_report() never says anything.
bool may_be_reported(const kb::Cause& cause);

/// Any cause by its words alone: stated by an identified speaker, or one of the wording's candidates.
diag::CauseVerdict by_words(const View& view, const kb::Cause& cause);

/// The tests that would tell the open causes apart, cheapest first.
std::vector<diag::Want> plan(const View& view);

/// All rules over one set of observations.
diag::Judgement judge(const diag::Case& question, const std::vector<diag::Observation>& observations,
                      const kb::Catalogue& catalogue);

}  // namespace smtpdx::rules
