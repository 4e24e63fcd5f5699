// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"

namespace smtpdx::mta::exim {
namespace {

/// What the client said; where it said nothing, there is nothing to mistrust.
Text said(std::string value) {
  const bool tainted = !value.empty();
  return {Text::ok, std::move(value), {}, tainted};
}
Text own(std::string value) { return {Text::ok, std::move(value), {}, false}; }
Text open_text(std::string why) { return {Text::open, "…", std::move(why), false}; }

Text host_text(Context& c) {
  const auto& host = host_name(c);
  if (host.state == HostName::unsure) return open_text("the client's host name");
  return said(host.state == HostName::found ? host.name : std::string());
}

std::string protocol(const Context& c) {
  std::string out = c.esmtp ? "esmtp" : "smtp";
  if (c.tls) out += 's';
  if (!c.authenticated.empty()) out += 'a';
  return out;
}

/// "(helo) [address]" or "name (helo) [address]", as in Exim's log.
Text full_host(Context& c) {
  const auto name = host_text(c);
  std::string out;
  if (name.kind == Text::open)
    out = "… ";
  else if (!name.value.empty())
    out = name.value + " ";
  const bool helo_differs = !c.helo.empty() && !iequals(c.helo, name.value) && c.helo != "[" + c.client + "]";
  if (helo_differs) out += "(" + c.helo + ") ";
  Text text{name.kind, out + "[" + c.client + "]", name.why, true};
  return text;
}

Text main_name(const Context& c, std::string_view option, std::string_view otherwise) {
  const auto at = c.configuration.main.find(option);
  if (at != c.configuration.main.end()) return own(at->second.value);
  if (otherwise == "qualify_recipient") return main_name(c, "qualify_domain", "");
  const auto name = primary_hostname(c);
  return name ? own(*name) : open_text("the server's own host name (primary_hostname)");
}

using Getter = Text (*)(Context&);

const std::unordered_map<std::string_view, Getter>& getters() {
  static const std::unordered_map<std::string_view, Getter> all = {
      {"sender_host_address", [](Context& c) { return own(c.client); }},
      {"sender_host_name", host_text},
      {"host_lookup_failed",
       [](Context& c) {
         return own(c.host.state == HostName::failed || c.host.state == HostName::deferred ? "1" : "0");
       }},
      {"host_lookup_deferred", [](Context& c) { return own(c.host.state == HostName::deferred ? "1" : "0"); }},
      {"sender_helo_name", [](Context& c) { return said(c.helo); }},
      {"sender_fullhost", full_host},
      {"sender_rcvhost", full_host},
      {"sender_host_authenticated", [](Context& c) { return own(c.authenticated); }},
      {"authenticated_id", [](Context& c) { return said(c.authenticated_id); }},
      {"authenticated_sender", [](Context& c) { return said(c.authenticated_sender); }},
      {"authentication_failed", [](Context& c) { return own(c.auth_failed ? "1" : "0"); }},
      {"sender_address", [](Context& c) { return said(c.sender); }},
      {"return_path", [](Context& c) { return said(c.sender); }},
      {"sender_address_domain", [](Context& c) { return said(domain_part(c.sender)); }},
      {"sender_address_local_part",
       [](Context& c) { return said(c.sender.empty() ? std::string() : local_part_part(c.sender)); }},
      {"domain", [](Context& c) { return said(c.domain); }},
      {"original_domain", [](Context& c) { return said(c.domain); }},
      {"local_part", [](Context& c) { return said(c.local_part); }},
      {"original_local_part", [](Context& c) { return said(c.caseful_local_part); }},
      {"domain_data", [](Context& c) { return c.domain_data.value_or(Text{}); }},
      {"local_part_data", [](Context& c) { return c.local_part_data.value_or(Text{}); }},
      {"local_part_prefix", [](Context& c) { return said(c.local_part_prefix); }},
      {"local_part_suffix", [](Context& c) { return said(c.local_part_suffix); }},
      {"recipients", [](Context& c) { return said(c.recipient); }},
      {"address_data", [](Context& c) { return said(c.address_data.value_or("")); }},
      {"sender_address_data", [](Context& c) { return said(c.sender_address_data.value_or("")); }},
      {"acl_verify_message", [](Context& c) { return own(c.verify_message); }},
      {"self_hostname", [](Context& c) { return own(c.self_hostname); }},
      {"host_data", [](Context& c) { return own(c.host_data); }},
      {"home", [](Context& c) { return own(c.home); }},
      {"dnslist_domain", [](Context& c) { return own(c.dnslist_domain); }},
      {"dnslist_text", [](Context& c) { return said(c.dnslist_text); }},
      {"dnslist_value", [](Context& c) { return own(c.dnslist_value); }},
      {"dnslist_matched", [](Context& c) { return said(c.dnslist_matched); }},
      {"value", [](Context& c) { return c.value.value_or(Text{}); }},
      {"item", [](Context& c) { return c.item.value_or(Text{}); }},
      {"primary_hostname", [](Context& c) { return main_name(c, "primary_hostname", ""); }},
      {"qualify_domain", [](Context& c) { return main_name(c, "qualify_domain", ""); }},
      {"qualify_recipient", [](Context& c) { return main_name(c, "qualify_recipient", "qualify_recipient"); }},
      {"received_protocol", [](Context& c) { return own(protocol(c)); }},
      {"smtp_command_argument", [](Context& c) { return said(c.recipient_set ? "TO:<" + c.recipient + ">" : ""); }},
      {"acl_narg", [](Context& c) { return own(std::to_string(c.acl_arguments.size())); }},
      {"spool_directory", [](Context& c) { return own(c.configuration.text("spool_directory", "/var/spool/exim4")); }},
      {"rcpt_count", [](Context& c) { return own(c.recipient_set ? "1" : "0"); }},
  };
  return all;
}

Text received_at(const Context& c, bool port) {
  if (port) return own(std::to_string(c.session.port));
  for (const auto& address : c.configuration.own_addresses)
    if (address.exact && c.session.client && address.address.is_v6() == c.session.client->is_v6())
      return own(address.address.to_string());
  return open_text("the address that the client connected to");
}

/// Variables that are empty or 0 while a recipient is decided.
std::optional<Text> constant(std::string_view name) {
  static const std::unordered_set<std::string_view> zero = {
      "recipients_count", "rcpt_defer_count", "rcpt_fail_count", "received_count", "message_linecount",
      "body_linecount",   "body_zerocount",   "message_age",     "inode",          "runrc",
      "proxy_session",    "prdr_requested"};
  static const std::unordered_set<std::string_view> nothing = {"sender_ident",
                                                               "tls_in_peerdn",
                                                               "tls_peerdn",
                                                               "tls_in_sni",
                                                               "tls_sni",
                                                               "message_id",
                                                               "message_headers",
                                                               "message_body",
                                                               "dkim_signers",
                                                               "malware_name",
                                                               "spam_score",
                                                               "spam_score_int",
                                                               "spam_bar",
                                                               "spam_report",
                                                               "parent_domain",
                                                               "parent_local_part",
                                                               "host",
                                                               "host_address",
                                                               "address_file",
                                                               "address_pipe",
                                                               "local_scan_data",
                                                               "reply_address",
                                                               "authenticated_fail_id",
                                                               "sender_data",
                                                               "recipient_data",
                                                               "queue_name",
                                                               "lookup_dnssec_authenticated",
                                                               "proxy_external_address",
                                                               "proxy_local_address",
                                                               "sender_helo_dnssec",
                                                               "sender_host_dnssec",
                                                               "tls_out_cipher",
                                                               "tls_out_peerdn",
                                                               "regex_match_string",
                                                               "callout_address",
                                                               "local_user_uid",
                                                               "local_user_gid",
                                                               "ldap_dn",
                                                               "prvscheck_address",
                                                               "prvscheck_result",
                                                               "prvscheck_keynum",
                                                               "recipient_verify_failure",
                                                               "sender_verify_failure",
                                                               "bounce_recipient",
                                                               "message_exim_id",
                                                               "smtp_notquit_reason",
                                                               "dkim_verify_status",
                                                               "spf_received",
                                                               "dmarc_status",
                                                               "tls_in_certificate_verified",
                                                               "tls_certificate_verified",
                                                               "av_failed",
                                                               "router_name",
                                                               "transport_name",
                                                               "received_for",
                                                               "tls_in_bits",
                                                               "verify_mode"};
  if (zero.contains(name)) return own("0");
  if (name == "message_size") return own("-1");
  if (nothing.contains(name)) return own("");
  return std::nullopt;
}

/// What changes from session to session or from machine to machine.
std::optional<Text> changing(const Context& c, std::string_view name) {
  static const std::unordered_set<std::string_view> all = {"tod_bsdinbox",
                                                           "tod_epoch",
                                                           "tod_epoch_l",
                                                           "tod_full",
                                                           "tod_log",
                                                           "tod_logfile",
                                                           "tod_zone",
                                                           "tod_zulu",
                                                           "pid",
                                                           "load_average",
                                                           "log_space",
                                                           "spool_space",
                                                           "log_inodes",
                                                           "spool_inodes",
                                                           "queue_size",
                                                           "exim_uid",
                                                           "exim_gid",
                                                           "originator_uid",
                                                           "originator_gid",
                                                           "caller_uid",
                                                           "caller_gid",
                                                           "sender_rate",
                                                           "sender_rate_limit",
                                                           "sender_rate_period",
                                                           "sender_host_port",
                                                           "compile_number",
                                                           "compile_date",
                                                           "initial_cwd",
                                                           "spf_result",
                                                           "spf_header_comment",
                                                           "spf_guess",
                                                           "spf_smtp_comment",
                                                           "received_time",
                                                           "localhost_number",
                                                           "tls_cipher",
                                                           "tls_in_cipher",
                                                           "tls_in_ver",
                                                           "tls_bits",
                                                           "config_file",
                                                           "config_dir",
                                                           "tls_in_peercert",
                                                           "tls_in_ourcert",
                                                           "tls_in_cipher_std",
                                                           "exim_path",
                                                           "exim_version",
                                                           "sending_ip_address",
                                                           "sending_port",
                                                           "proxy_local_port",
                                                           "proxy_external_port",
                                                           "smtp_command_history",
                                                           "smtp_count_at_connection_start"};
  if (name == "exim_version" || name == "version_number") return own("4.96");
  if (name.starts_with("tls") && name.find("cipher") != std::string_view::npos && !c.tls) return own("");
  if (name == "tls_in_ver" && !c.tls) return own("");
  if (name == "tls_bits" && !c.tls) return own("0");
  if (name == "exim_path") return own("/usr/sbin/exim4");
  if (all.contains(name)) return open_text("$" + std::string(name));
  return std::nullopt;
}

std::optional<Text> counted(Context& c, std::string_view name) {
  const auto numbered = [&](std::string_view prefix, const std::vector<Text>& from,
                            std::size_t base) -> std::optional<Text> {
    if (!name.starts_with(prefix)) return std::nullopt;
    const auto index = parse_number(name.substr(prefix.size()));
    if (!index || *index < base) return std::nullopt;
    return *index - base < from.size() ? from[*index - base] : Text{};
  };
  if (!name.empty() && is_digit(name.front())) return numbered("", c.numbered, 0);
  if (auto text = numbered("acl_arg", c.acl_arguments, 1)) return text;
  if (name.starts_with("auth") && name.size() == 5 && is_digit(name[4])) {
    const auto index = static_cast<std::size_t>(name[4] - '1');
    return index < c.auth_data.size() ? said(c.auth_data[index]) : Text{};
  }
  if (name.size() == 2 && name[0] == 'n' && is_digit(name[1])) return own("0");
  return std::nullopt;
}

bool acl_variable(std::string_view name) {
  if (!(name.starts_with("acl_c") || name.starts_with("acl_m")) || name.size() < 6) return false;
  return is_digit(name[5]) || name[5] == '_';
}

}  // namespace

std::optional<Text> variable(Context& c, std::string_view name) {
  if (acl_variable(name)) {
    const auto at = c.variables.find(name);
    if (at != c.variables.end()) return at->second;
    if (c.configuration.flag("strict_acl_vars", false)) return std::nullopt;
    return Text{};
  }
  const auto getter = getters().find(name);
  if (getter != getters().end()) return getter->second(c);
  if (auto text = counted(c, name)) return text;
  if (name == "received_port" || name == "interface_port") return received_at(c, true);
  if (name == "received_ip_address" || name == "interface_address") return received_at(c, false);
  if (name.starts_with("r_")) {
    const auto at = c.router_variables.find(name);
    return at == c.router_variables.end() ? Text{} : at->second;
  }
  if (name == "smtp_active_hostname") {
    const auto text = c.configuration.text("smtp_active_hostname");
    return text.empty() ? main_name(c, "primary_hostname", "") : expand(c, text);
  }
  if (auto text = changing(c, name)) return text;
  return constant(name);
}

}  // namespace smtpdx::mta::exim
