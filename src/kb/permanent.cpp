// SPDX-License-Identifier: Apache-2.0
#include "kb/permanent.hpp"

namespace smtpdx::kb {

std::span<const PermanentCause> permanent_causes() {
  static constexpr PermanentCause causes[] = {
      {"S01", "m365.relay_pool_forward"},
      {"S02", "rcpt.mx_not_configured_for_domain"},
      {"S03", "rcpt.one_mx_stale"},
      {"S04", "rcpt.mx_host_resolves_wrong"},
      {"S05", "rcpt.no_mx_falls_to_web_host"},
      {"S06", "rcpt.typo_or_parked_domain"},
      {"S07", "route.rejecter_not_in_mx"},
      {"S08", "route.static_override"},
      {"S09", "route.split_horizon_dns"},
      {"S10", "hybrid.onprem_domain_type"},
      {"S11", "gateway.rewritten_recipient_local_route"},
      {"S12", "forward.user_forward_to_closed_host"},
      {"S13", "submit.auth_not_attempted"},
      {"S14", "submit.exim_cpanel_unauth"},
      {"S15", "submit.pop_before_smtp"},
      {"S16", "submit.auth_only_after_tls"},
      {"S17", "submit.wrong_port_25"},
      {"S18", "submit.tls_mode_mismatch"},
      {"S19", "submit.credentials_rejected"},
      {"S20", "submit.auth_swallowed_then_anonymous"},
      {"S21", "submit.authenticated_but_denied_order"},
      {"S22", "submit.sender_not_owned"},
      {"S23", "m365.no_auth_5757"},
      {"S24", "m365.smtp_auth_disabled"},
      {"S25", "m365.basic_auth_blocked"},
      {"S26", "oauth.token_wrong"},
      {"S27", "google.app_password"},
      {"S28", "google.relay_rules"},
      {"S29", "m365.connector_mismatch_5764"},
      {"S30", "m365.direct_send_external"},
      {"S31", "m365.direct_send_rejected_5768"},
      {"S32", "exchange.receive_connector"},
      {"S33", "esp.sender_unverified"},
      {"S34", "esp.sandbox_recipient"},
      {"S35", "ip.not_in_allowlist"},
      {"S36", "ip.changed_family_or_dynamic"},
      {"S37", "ip.container_nat"},
      {"S38", "ip.load_balancer_hides_client"},
      {"S39", "dns.rdns_based_relay"},
      {"S40", "own.domain_in_no_class"},
      {"S41", "own.map_stale_or_not_rebuilt"},
      {"S42", "own.panel_routing_remote"},
      {"S43", "own.soft_reject_454"},
      {"S44", "own.compat_level_change"},
      {"S45", "own.debian_exim_dc"},
      {"S46", "own.routed_address_form"},
      {"S47", "net.isp_or_middlebox_intercept"},
      {"S48", "net.port25_egress_blocked"},
      {"S49", "lookalike.recipient_unknown_dbeb"},
      {"S50", "lookalike.blocklist_or_access"},
      {"S51", "lookalike.spf_dmarc"},
      {"S52", "lookalike.quota"},
      {"S53", "device.tls_too_old"},
      {"S54", "client.helo_invalid"},
      {"S55", "dns.missing_ptr"},
      {"S56", "client.malformed_message"},
      {"S57", "submit.tls_certificate_name"},
      {"S58", "submit.auth_forced"},
      {"S59", "own.domain_relays_to_itself"},
      {"S60", "own.domain_wrongly_local"},
      {"S61", "own.domain_in_two_classes"},
      {"S62", "submit.sasl_plugin_missing"},
      {"S63", "submit.mechanism_mismatch"},
      {"S64", "sender.domain_unresolvable"},
      {"S65", "lookalike.dnsbl_resolver_refused"},
      {"S66", "net.submission_ports_blocked"},
      {"S67", "submit.wrong_endpoint"},
      {"S68", "own.server_config_broken"},
      {"S69", "submit.null_sender_unauth"},
      {"S70", "submit.allowlist_not_on_submission"},
  };
  return causes;
}

bool is_permanent_cause(std::string_view code) { return permanent_number(code) < permanent_causes().size(); }

std::size_t permanent_number(std::string_view code) {
  const auto causes = permanent_causes();
  std::size_t number = 0;
  while (number < causes.size() && causes[number].code != code) ++number;
  return number;
}

}  // namespace smtpdx::kb
