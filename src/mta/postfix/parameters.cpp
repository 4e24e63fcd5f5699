// SPDX-License-Identifier: Apache-2.0
//
// The table below holds the defaults that the relay decision can reach, in Postfix' own notation, so that what depends
// on compatibility_level is said once, by expansion. A name that is neither set nor in the table but looks like one of
// Postfix' own is unknowable here (its default may well not be empty); any other name is the administrator's own and
// empty where it was forgotten, as it is for Postfix.

#include "mta/postfix/parameters.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

struct Default {
  std::string_view name, value;
};

// Sorted by name. "\1" alone: only the machine knows.
constexpr std::array defaults = {
    Default{"access_map_defer_code", "450"},
    Default{"access_map_reject_code", "554"},
    Default{"alias_maps", "hash:/etc/aliases"},
    Default{"allow_percent_hack", "yes"},
    Default{"allow_untrusted_routing", "no"},
    Default{"append_at_myorigin", "yes"},
    Default{"append_dot_mydomain", "${{$compatibility_level} <level {1} ? {yes} : {no}}"},
    Default{"canonical_maps", ""},
    Default{"compatibility_level", "0"},
    Default{"config_directory", "/etc/postfix"},
    Default{"data_directory", "/var/lib/postfix"},
    Default{"default_database_type", "hash"},
    Default{"default_rbl_reply",
            "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; "
            "$rbl_reason}"},
    Default{"default_transport", "smtp"},
    Default{"defer_code", "450"},
    Default{"inet_interfaces", "all"},
    Default{"inet_protocols", "all"},
    Default{"invalid_hostname_reject_code", "501"},
    Default{"local_recipient_maps", "proxy:unix:passwd.byname $alias_maps"},
    Default{"maps_rbl_reject_code", "554"},
    Default{"mydestination", "$myhostname, localhost.$mydomain, localhost"},
    Default{"mydomain", "\1"},
    Default{"myhostname", "\1"},
    Default{"mynetworks", "\1"},
    Default{"mynetworks_style", "${{$compatibility_level} <level {2} ? {subnet} : {host}}"},
    Default{"myorigin", "$myhostname"},
    Default{"non_fqdn_reject_code", "504"},
    Default{"parent_domain_matches_subdomains",
            "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_"
            "domains,"
            "smtpd_access_maps"},
    Default{"permit_mx_backup_networks", ""},
    Default{"plaintext_reject_code", "450"},
    Default{"proxy_interfaces", ""},
    Default{"queue_directory", "/var/spool/postfix"},
    Default{"rbl_reply_maps", ""},
    Default{"recipient_canonical_maps", ""},
    Default{"recipient_delimiter", ""},
    Default{"reject_code", "554"},
    Default{"reject_tempfail_action", "defer_if_permit"},
    Default{"relay_clientcerts", ""},
    Default{"relay_domains", "${{$compatibility_level} <level {2} ? {$mydestination} : {}}"},
    Default{"relay_domains_reject_code", "554"},
    Default{"relay_recipient_maps", ""},
    Default{"relay_transport", "relay"},
    Default{"relayhost", ""},
    Default{"resolve_dequoted_address", "yes"},
    Default{"resolve_null_domain", "no"},
    Default{"sender_canonical_maps", ""},
    Default{"sender_dependent_default_transport_maps", ""},
    Default{"sender_dependent_relayhost_maps", ""},
    Default{"show_user_unknown_table_name", "yes"},
    Default{"smtpd_client_restrictions", ""},
    Default{"smtpd_delay_reject", "yes"},
    Default{"smtpd_enforce_tls", "no"},
    Default{"smtpd_helo_restrictions", ""},
    Default{"smtpd_null_access_lookup_key", "<>"},
    Default{"smtpd_recipient_restrictions", ""},
    Default{"smtpd_reject_unlisted_recipient", "yes"},
    Default{"smtpd_reject_unlisted_sender", "no"},
    Default{"smtpd_relay_before_recipient_restrictions", "${{$compatibility_level} <level {3.6} ? {no} : {yes}}"},
    Default{"smtpd_relay_restrictions",
            "${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, permit_sasl_authenticated, "
            "defer_unauth_destination}}"},
    Default{"smtpd_restriction_classes", ""},
    Default{"smtpd_sasl_auth_enable", "no"},
    Default{"smtpd_sasl_exceptions_networks", ""},
    Default{"smtpd_sasl_security_options", "noanonymous"},
    Default{"smtpd_sasl_tls_security_options", "$smtpd_sasl_security_options"},
    Default{"smtpd_sender_login_maps", ""},
    Default{"smtpd_sender_restrictions", ""},
    Default{"smtpd_service_name", "smtpd"},
    Default{"smtpd_tls_ask_ccert", "no"},
    Default{"smtpd_tls_auth_only", "no"},
    Default{"smtpd_tls_cert_file", ""},
    Default{"smtpd_tls_chain_files", ""},
    Default{"smtpd_tls_eccert_file", ""},
    Default{"smtpd_tls_fingerprint_digest", "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}"},
    Default{"smtpd_tls_req_ccert", "no"},
    Default{"smtpd_tls_security_level", ""},
    Default{"smtpd_tls_wrappermode", "no"},
    Default{"smtpd_use_tls", "no"},
    Default{"soft_bounce", "no"},
    Default{"swap_bangpath", "yes"},
    Default{"transport_maps", ""},
    Default{"unknown_address_reject_code", "450"},
    Default{"unknown_address_tempfail_action", "$reject_tempfail_action"},
    Default{"unknown_client_reject_code", "450"},
    Default{"unknown_helo_hostname_tempfail_action", "$reject_tempfail_action"},
    Default{"unknown_hostname_reject_code", "450"},
    Default{"unknown_local_recipient_reject_code", "550"},
    Default{"unknown_relay_recipient_reject_code", "550"},
    Default{"unknown_virtual_alias_reject_code", "550"},
    Default{"unknown_virtual_mailbox_reject_code", "550"},
    Default{"virtual_alias_domains", "$virtual_alias_maps"},
    Default{"virtual_alias_maps", "$virtual_maps"},
    Default{"virtual_mailbox_domains", "$virtual_mailbox_maps"},
    Default{"virtual_mailbox_maps", ""},
    Default{"virtual_maps", ""},
};

// First words of the names of Postfix' own parameters.
constexpr std::array<std::string_view, 36> families = {
    "access_",  "address_",   "alias_",     "allow_",   "alternate_", "append_",   "broken_",    "canonical_",
    "command_", "daemon_",    "default_",   "disable_", "enable_",    "fallback_", "inet_",      "lmtp_",
    "local_",   "mail_",      "mailbox_",   "maps_",    "milter_",    "multi_",    "permit_mx_", "postscreen_",
    "qmgr_",    "queue_",     "recipient_", "relay_",   "relayhost",  "sender_",   "smtp_",      "smtpd_",
    "tls_",     "transport_", "unknown_",   "virtual_"};

bool looks_built_in(std::string_view name) {
  return std::any_of(families.begin(), families.end(),
                     [&](std::string_view family) { return name.starts_with(family); });
}

const Default* find_default(std::string_view name) {
  const auto at = std::lower_bound(defaults.begin(), defaults.end(), name,
                                   [](const Default& d, std::string_view n) { return d.name < n; });
  return at != defaults.end() && at->name == name ? &*at : nullptr;
}

}  // namespace

const Setting* Parameters::setting(std::string_view name) const {
  if (service_) {
    const auto found = service_->overrides.find(name);
    if (found != service_->overrides.end()) return &found->second;
  }
  return main_->find(name);
}

std::optional<Cited> Parameters::built_in(std::string_view name) const {
  // mydomain is myhostname less its first label (postconf(5)). The name itself is masked, or the two could ask each
  // other.
  if (const auto* host = name == "mydomain" ? setting("myhostname") : nullptr) {
    auto expansion = expand(host->value, [this](std::string_view n) {
      return n == "mydomain" ? std::optional<Cited>(Cited(unknown_mark(n), Where{})) : raw(n);
    });
    if (expansion && !has_unknown(expansion->value.text())) {
      const auto& full = expansion->value.text();
      const auto dot = full.find('.');
      return Cited(dot == std::string::npos ? std::string("localdomain") : full.substr(dot + 1), Where{});
    }
  }
  if (const auto* found = find_default(name)) {
    return Cited(found->value == "\1" ? unknown_mark(name) : std::string(found->value), Where{});
  }
  if (looks_built_in(name)) return Cited(unknown_mark(name), Where{});
  return std::nullopt;
}

std::optional<Cited> Parameters::raw(std::string_view name) const {
  if (const auto* set = setting(name)) return set->value;
  return built_in(name);
}

Value Parameters::get(std::string_view name) const {
  const auto* set = setting(name);
  const Where where = set ? set->where : Where{};
  const auto start = raw(name);
  if (!start) return Value{{}, where, {}};
  auto expansion = expand(*start, [this](std::string_view n) { return raw(n); });
  // check() has refused a configuration with such a value; what is left is a default that a broken setting spoils.
  if (!expansion) return Value{Cited(unknown_mark(name), where), where, {}};
  return Value{expansion->value.trimmed(), where, std::move(expansion->undefined)};
}

std::optional<bool> Parameters::flag(std::string_view name) const {
  const auto word = get(name).text.text();
  if (iequals(word, "yes")) return true;
  if (iequals(word, "no")) return false;
  return std::nullopt;
}

std::optional<unsigned> Parameters::number(std::string_view name) const {
  const auto value = parse_number(get(name).text.text());
  if (!value || *value > 1'000'000'000) return std::nullopt;
  return static_cast<unsigned>(*value);
}

bool Parameters::is_set(std::string_view name) const { return setting(name) != nullptr; }

bool Parameters::compatible_with(std::string_view level) const {
  return compare_levels(get("compatibility_level").text.text(), level) >= 0;
}

std::string Parameters::misread() const {
  for (const auto& known : defaults) {
    const auto* set = setting(known.name);
    const bool by_smtpd = known.name.starts_with("smtpd_") || known.name.ends_with("_code");
    if (!set || !by_smtpd) continue;
    const bool is_switch = known.value == "yes" || known.value == "no" || known.value.ends_with("{no} : {yes}}");
    const bool is_number = parse_number(known.value).has_value();
    if (get(known.name).unknown()) continue;
    if ((is_switch && !flag(known.name)) || (is_number && !number(known.name))) return std::string(known.name);
  }
  return {};
}

Result<void> Parameters::check() const {
  const auto lookup = [this](std::string_view n) { return raw(n); };
  const auto tried = [&](const Setting& s) -> Result<void> {
    auto expansion = expand(s.value, lookup);
    return expansion ? Result<void>{} : std::unexpected(expansion.error());
  };
  for (const auto& s : main_->settings())
    if (setting(s.name) == &s)
      if (auto done = tried(s); !done) return done;
  if (service_)
    for (const auto& [name, s] : service_->overrides)
      if (auto done = tried(s); !done) return done;
  return {};
}

}  // namespace smtpdx::mta::postfix
