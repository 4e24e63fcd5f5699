// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/lint.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "mta/postfix/lint_run.hpp"

namespace smtpdx::mta::postfix {

using S = LintSeverity;

std::string_view to_string(LintSeverity severity) {
  static constexpr std::array<std::string_view, 3> words = {"info", "warn", "fail"};
  return words[static_cast<std::size_t>(severity)];
}

const std::vector<LintRule>& lint_rules() {
  static const std::vector<LintRule> rules = {
      {"open-relay", S::fail, "Everybody may relay"},
      {"open-relay-perhaps", S::warn, "Everybody may relay if something the files do not say permits it"},
      {"relay-set-unknown", S::info, "Who may relay is too much to compute"},
      {"ok-before-refusal", S::fail, "An OK in an access table lets strangers relay"},
      {"networks-everybody", S::fail, "A trusted network is the whole internet or a large part of it"},
      {"networks-wide", S::warn, "A trusted public network is very wide"},
      {"networks-private", S::warn, "A whole private range is trusted"},
      {"networks-style", S::warn, "Whole networks are trusted by mynetworks_style"},
      {"networks-unreadable", S::fail, "An element of mynetworks that Postfix cannot read"},
      {"relay-restrictions-empty", S::warn, "smtpd_relay_restrictions is emptied"},
      {"mx-backup-open", S::warn, "permit_mx_backup relays for whoever names this server as an exchanger"},
      {"routing-allowed", S::warn, "Addresses that ask to be routed on are relayed"},
      {"server-fatal", S::fail, "The server stops before it greets anybody"},
      {"restriction-unknown", S::fail, "A restriction that Postfix does not know"},
      {"restriction-unreachable", S::warn, "A restriction that is never reached"},
      {"denial-temporary", S::warn, "Refusals for good are sent as temporary ones"},
      {"auth-in-clear", S::warn, "Passwords are taken without TLS"},
      {"login-anonymous", S::fail, "Anonymous logins count as logins"},
      {"login-after-refusal", S::warn, "Logins are asked about after strangers were refused"},
      {"login-inert", S::info, "A permit for logins at a service that offers none"},
      {"login-useless", S::warn, "Logins are offered and permit nothing"},
      {"login-never-offered", S::warn, "Logins are wanted over TLS only, and TLS is not offered"},
      {"certificates-inert", S::info, "A permit for certificates that are never asked for"},
      {"fingerprints-weak", S::warn, "Client certificates are recognised by MD5 or SHA-1"},
      {"submission-without-tls", S::warn, "A submission service does without TLS"},
      {"submission-without-auth", S::fail, "A submission service takes no logins"},
      {"wrapper-missing", S::fail, "Port 465 does not speak TLS from the first octet"},
      {"certificate-missing", S::fail, "TLS is offered without a certificate"},
      {"domain-twice", S::warn, "A domain is in two address classes"},
      {"domain-nowhere", S::warn, "Addresses are listed for a domain that is in no class"},
      {"table-missing", S::fail, "A table that is named does not exist"},
      {"table-not-built", S::fail, "A table's text was never compiled by postmap"},
      {"table-stale", S::warn, "A table's text is newer than what the server reads"},
      {"compatibility-level", S::info, "Defaults of an older Postfix are in force"},
      {"setting-twice", S::warn, "A parameter is set twice"},
      {"name-undefined", S::warn, "A $name that nobody defined"},
  };
  return rules;
}

void LintRun::add(LintFinding finding) {
  const auto rule =
      std::find_if(lint_rules().begin(), lint_rules().end(), [&](const LintRule& r) { return r.id == finding.id; });
  if (finding.title.empty()) finding.title = rule->title;
  const auto same = [&](const LintFinding& f) {
    return f.id == finding.id && f.where == finding.where && f.subject == finding.subject;
  };
  if (std::none_of(findings.begin(), findings.end(), same)) findings.push_back(std::move(finding));
}

std::vector<LintFinding> lint(const Configuration& configuration) {
  LintRun run(configuration);
  bool first = true;
  for (const auto& service : configuration.master.services()) {
    if (service.command != "smtpd" || (service.type != "inet" && service.type != "pass")) continue;
    Side side(configuration, service);
    for (auto* group : {lint_networks, lint_lists, lint_replies, lint_logins, lint_service}) group(run, side);
    if (first) lint_domains(run, side);  // the same for all but the strangest master.cf
    first = false;
  }
  lint_relay_set(run);
  lint_tables(run);
  lint_settings(run);
  std::sort(run.findings.begin(), run.findings.end(), [](const LintFinding& a, const LintFinding& b) {
    if (a.severity != b.severity) return a.severity > b.severity;
    if (a.where.file != b.where.file) return a.where.file < b.where.file;
    if (a.where.line != b.where.line) return a.where.line < b.where.line;
    return std::tie(a.id, a.subject) < std::tie(b.id, b.subject);
  });
  return std::move(run.findings);
}

}  // namespace smtpdx::mta::postfix
