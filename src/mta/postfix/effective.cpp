// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/effective.hpp"

#include <array>

namespace smtpdx::mta::postfix {
namespace {

// In the order in which one reads a policy: who we are, whose mail is ours, who is trusted, what is asked, how it is
// said.
constexpr std::array names = {"compatibility_level",
                              "myhostname",
                              "mydomain",
                              "myorigin",
                              "inet_interfaces",
                              "proxy_interfaces",
                              "mydestination",
                              "virtual_alias_domains",
                              "virtual_alias_maps",
                              "virtual_mailbox_domains",
                              "virtual_mailbox_maps",
                              "relay_domains",
                              "relay_recipient_maps",
                              "local_recipient_maps",
                              "parent_domain_matches_subdomains",
                              "transport_maps",
                              "relayhost",
                              "mynetworks",
                              "mynetworks_style",
                              "permit_mx_backup_networks",
                              "allow_untrusted_routing",
                              "recipient_delimiter",
                              "smtpd_sasl_auth_enable",
                              "smtpd_sasl_security_options",
                              "smtpd_sasl_tls_security_options",
                              "smtpd_sasl_exceptions_networks",
                              "smtpd_sender_login_maps",
                              "smtpd_tls_security_level",
                              "smtpd_tls_wrappermode",
                              "smtpd_tls_auth_only",
                              "smtpd_tls_ask_ccert",
                              "smtpd_tls_req_ccert",
                              "smtpd_tls_fingerprint_digest",
                              "relay_clientcerts",
                              "smtpd_restriction_classes",
                              "smtpd_client_restrictions",
                              "smtpd_helo_restrictions",
                              "smtpd_sender_restrictions",
                              "smtpd_relay_restrictions",
                              "smtpd_recipient_restrictions",
                              "smtpd_relay_before_recipient_restrictions",
                              "smtpd_delay_reject",
                              "smtpd_reject_unlisted_recipient",
                              "smtpd_reject_unlisted_sender",
                              "relay_domains_reject_code",
                              "soft_bounce"};

EffectiveService one_service(const Configuration& configuration, const Service& service, bool all) {
  EffectiveService out{service.name, service.where, service.port(), {}};
  const Parameters parameters(configuration.main, &service);
  const auto add = [&](const std::string& name) {
    const auto value = parameters.get(name);
    if (!all && value.is_default()) return;
    out.settings.push_back({name, with_names(value.text.text()), value.where, service.overrides.contains(name)});
  };
  for (const auto* name : names) add(name);
  for (const auto& one : split_outside_braces(parameters.get("smtpd_restriction_classes").text, ",")) add(one.text());
  return out;
}

}  // namespace

std::vector<EffectiveService> effective_services(const Configuration& configuration, bool all) {
  std::vector<EffectiveService> services;
  for (const auto& service : configuration.master.services())
    if (service.command == "smtpd" && (service.type == "inet" || service.type == "pass"))
      services.push_back(one_service(configuration, service, all));
  return services;
}

}  // namespace smtpdx::mta::postfix
