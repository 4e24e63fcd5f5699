// SPDX-License-Identifier: Apache-2.0
//
// Every kind of finding: a configuration in which it is there, and a look-alike in which it is not.

#include "mta/postfix/lint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::TemporaryDirectory;
using Files = std::map<std::string, std::string>;

const std::string base =
    "compatibility_level = 3.6\nmyhostname = mx.home.example\nmyorigin = home.example\n"
    "mydestination = $myhostname, home.example, localhost\nlocal_recipient_maps =\nalias_maps =\n";
const std::string networks = "mynetworks = 127.0.0.0/8 192.168.7.0/24\n";
const std::string relay =
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n";
const std::string tls = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/postfix/cert.pem\n";
const std::string sasl = "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n";
const std::string good = base + networks + relay + tls;

std::vector<LintFinding> findings_of(const TemporaryDirectory& directory) {
  auto configuration = load(directory.path());
  EXPECT_TRUE(configuration) << configuration.error().message;
  if (!configuration) return {};
  configuration->own_addresses = {{*IpAddress::parse("192.0.2.1"), 24, true}};
  return lint(*configuration);
}

/// "fail networks-everybody main.cf:7 0.0.0.0/0" for each.
std::vector<std::string> lint_of(const std::string& main, Files files = {}) {
  files["main.cf"] = main;
  const TemporaryDirectory directory(files);
  std::vector<std::string> out;
  for (const auto& f : findings_of(directory))
    out.push_back(std::string(to_string(f.severity)) + " " + std::string(f.id) + " " + f.where.to_string() + " " +
                  f.subject);
  return out;
}

bool holds(const std::vector<std::string>& lines, const std::string& id) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(" " + id + " ") != std::string::npos; });
}

std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

struct Pair {
  std::string id, expected;  ///< the whole line that fires
  std::string bad, fine;
  Files files = {};
};

const Files master = {{"master.cf",
                       "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n -o "
                       "smtpd_tls_security_level=encrypt\n -o smtpd_sasl_auth_enable=yes\n"}};
const std::string cut = "smtpd_relay_restrictions = permit_mynetworks, ";

const std::vector<Pair> pairs = {
    {"networks-everybody", "fail networks-everybody main.cf:7 0.0.0.0/0", base + "mynetworks = 0.0.0.0/0\n" + relay,
     base + "mynetworks = 127.0.0.0/8 !0.0.0.0/0\n" + relay},
    {"networks-private", "warn networks-private main.cf:7 10.0.0.0/8", base + "mynetworks = 10.0.0.0/8\n" + relay,
     base + "mynetworks = 10.7.0.0/16 192.168.7.0/24\n" + relay},
    {"networks-wide", "warn networks-wide main.cf:7 198.0.0.0/10", base + "mynetworks = 198.0.0.0/10\n" + relay,
     base + "mynetworks = 127.0.0.0/8 198.51.100.0/24 [fe80::]/10\n" + relay},
    {"networks-style", "warn networks-style main.cf:7 mynetworks_style = class",
     base + "mynetworks_style = class\n" + relay, base + networks + "mynetworks_style = class\n" + relay},
    {"networks-unreadable", "fail networks-unreadable main.cf:7 192.0.2.7/24",
     base + "mynetworks = 192.0.2.7/24\n" + relay, base + "mynetworks = 192.0.2.0/24 [2001:db8::]/32\n" + relay},
    {"networks-unreadable", "fail networks-unreadable main.cf:7 2001:db8::/32",
     base + "mynetworks = 2001:db8::/32\n" + relay, base + "mynetworks = 192.0.2.7 .home.example\n" + relay},
    {"ok-before-refusal",
     "fail ok-before-refusal main.cf:8 check_sender_access hash:/etc/postfix/s",
     base + networks + cut + "check_sender_access hash:/etc/postfix/s, reject_unauth_destination\n",
     base + networks + relay + "smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/s\n",
     {{"s", "partner.example OK\n"}}},
    {"ok-before-refusal",
     "warn ok-before-refusal main.cf:8 check_recipient_access hash:/etc/postfix/r",
     base + networks + cut + "check_recipient_access hash:/etc/postfix/r, reject_unauth_destination\n",
     base + networks + cut + "check_recipient_access hash:/etc/postfix/own, reject_unauth_destination\n",
     {{"r", "friend.example OK\n"}, {"own", "ann@home.example OK\nabuse@home.example OK\n"}}},
    {"open-relay", "fail open-relay main.cf:9 port 25",
     base + networks +
         "smtpd_restriction_classes = friends\nfriends = permit\nsmtpd_relay_restrictions = friends, reject\n",
     base + networks +
         "smtpd_restriction_classes = friends\nfriends = permit_mynetworks\nsmtpd_relay_restrictions = friends, "
         "reject\n"},
    {"open-relay-perhaps", "warn open-relay-perhaps main.cf:8 port 25",
     base + networks + cut + "check_policy_service unix:private/policy, reject_unauth_destination\n",
     base + networks + relay + "smtpd_recipient_restrictions = check_policy_service unix:private/policy\n"},
    {"relay-restrictions-empty", "warn relay-restrictions-empty main.cf:8 smtpd_relay_restrictions",
     base + networks +
         "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n",
     base + networks + relay + "smtpd_recipient_restrictions =\n"},
    {"mx-backup-open", "warn mx-backup-open main.cf:8 permit_mx_backup",
     base + networks + cut + "permit_mx_backup, reject_unauth_destination\n",
     base + networks + cut + "permit_mx_backup, reject_unauth_destination\npermit_mx_backup_networks = 192.0.2.0/28\n"},
    {"routing-allowed", "warn routing-allowed main.cf:11 allow_untrusted_routing",
     good + "allow_untrusted_routing = yes\n", good + "allow_untrusted_routing = no\n"},
    {"server-fatal", "fail server-fatal main.cf:8 smtpd_relay_restrictions",
     base + networks + "smtpd_relay_restrictions = permit_mynetworks\n",
     base + networks + "smtpd_relay_restrictions = permit_mynetworks, reject\n"},
    {"server-fatal", "fail server-fatal main.cf:11 smtpd_delay_reject", good + "smtpd_delay_reject = true\n",
     good + "smtpd_delay_reject = yes\n"},
    {"restriction-unknown", "fail restriction-unknown main.cf:8 reject_unauth_destinaton",
     base + networks + cut + "reject_unauth_destinaton, reject\n",
     base + networks + "smtpd_restriction_classes = mine\nmine = permit_mynetworks\n" + cut + "mine, reject\n"},
    {"restriction-unreachable",
     "warn restriction-unreachable main.cf:8 check_helo_access",
     base + networks + cut + "reject, check_helo_access hash:/etc/postfix/h\n",
     base + networks + cut + "warn_if_reject reject, check_helo_access hash:/etc/postfix/h, reject\n",
     {{"h", "a.example REJECT\n"}}},
    {"denial-temporary", "warn denial-temporary main.cf:11 relay_domains_reject_code",
     good + "relay_domains_reject_code = 454\n", good + "relay_domains_reject_code = 554\n"},
    {"denial-temporary", "warn denial-temporary main.cf:11 soft_bounce", good + "soft_bounce = yes\n",
     good + "soft_bounce = no\n"},
    {"denial-temporary", "info denial-temporary built-in default defer_unauth_destination", base + networks, good},
    {"auth-in-clear", "warn auth-in-clear main.cf:11 smtp", good + "smtpd_sasl_auth_enable = yes\n", good + sasl},
    {"login-anonymous", "fail login-anonymous main.cf:13 smtp",
     good + sasl + "smtpd_sasl_security_options = noplaintext\n",
     good + sasl + "smtpd_sasl_security_options = noanonymous\n"},
    {"login-after-refusal", "warn login-after-refusal main.cf:8 permit_sasl_authenticated",
     base + networks + cut + "reject_unauth_destination, permit_sasl_authenticated\n" + tls + sasl, good + sasl},
    {"login-inert", "info login-inert main.cf:8 smtp", good, base + networks + tls},
    {"login-useless", "warn login-useless main.cf:11 smtp",
     base + networks + cut + "reject_unauth_destination\n" + tls + sasl, good + sasl},
    {"login-never-offered", "warn login-never-offered main.cf:10 smtp", base + networks + relay + sasl, good + sasl},
    {"certificates-inert", "info certificates-inert main.cf:8 smtp",
     base + networks + cut + "permit_tls_clientcerts, reject\nrelay_clientcerts = inline:{aa=x}\n" + tls,
     base + networks + cut +
         "permit_tls_clientcerts, reject\nrelay_clientcerts = inline:{aa=x}\nsmtpd_tls_ask_ccert = yes\n" + tls},
    {"fingerprints-weak", "warn fingerprints-weak main.cf:10 md5",
     base + networks + cut +
         "permit_tls_clientcerts, reject\nrelay_clientcerts = inline:{aa=x}\nsmtpd_tls_fingerprint_digest = md5\n" +
         tls,
     good + "smtpd_tls_fingerprint_digest = md5\n"},
    {"submission-without-tls",
     "warn submission-without-tls master.cf:1 submission",
     good,
     good + "smtpd_tls_security_level = encrypt\n",
     {{"master.cf", "submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"}}},
    {"submission-without-auth",
     "fail submission-without-auth master.cf:1 587",
     good,
     good + "smtpd_sasl_auth_enable = yes\n",
     {{"master.cf", "587 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n"}}},
    {"wrapper-missing",
     "fail wrapper-missing master.cf:1 smtps",
     good + sasl,
     good + sasl + "smtpd_tls_wrappermode = yes\n",
     {{"master.cf", "smtps inet n - n - - smtpd\n"}}},
    {"certificate-missing", "fail certificate-missing main.cf:9 smtp",
     base + networks + relay + "smtpd_tls_security_level = may\n", good},
    {"domain-twice", "warn domain-twice main.cf:11 home.example", good + "virtual_mailbox_domains = home.example\n",
     good + "relay_domains = home.example\nvirtual_mailbox_domains = other.example\n"},
    {"domain-nowhere",
     "warn domain-nowhere virtual:1 club.example",
     good + "virtual_alias_maps = hash:/etc/postfix/virtual\n",
     good + "virtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_alias_domains = club.example\n",
     {{"virtual", "head@club.example ann\n"}}},
    {"table-missing", "fail table-missing main.cf:11 hash:/etc/postfix/nothing",
     good + "transport_maps = hash:/etc/postfix/nothing\n",
     good + "transport_maps = hash:/etc/elsewhere/nothing, cidr:{{10.0.0.0/8 x}}\n"},
    {"table-not-built",
     "fail table-not-built main.cf:11 hash:/etc/postfix/a",
     good + "transport_maps = hash:/etc/postfix/a\n",
     good + "transport_maps = hash:/etc/postfix/b, texthash:/etc/postfix/a\n",
     {{"a", "x.example y:\n"}, {"b", "x.example y:\n"}, {"b.db", "x.example y:"}}},
    {"compatibility-level", "info compatibility-level built-in default relay_domains",
     "myhostname = mx.home.example\nmydestination = home.example\n" + networks + relay, good},
    {"setting-twice", "warn setting-twice main.cf:7 mynetworks", base + "mynetworks = 10.9.0.0/16\n" + networks + relay,
     base + networks + networks + relay},
    {"name-undefined", "warn name-undefined main.cf:11 my_networks", good + "relay_domains = $my_networks\n",
     good + "my_list = branch.example\nrelay_domains = $my_list\n"},
};

TEST(Lint, EachFiresAndItsLookAlikeDoesNot) {
  for (const auto& pair : pairs) {
    const auto bad = lint_of(pair.bad, pair.files);
    EXPECT_NE(std::find(bad.begin(), bad.end(), pair.expected), bad.end()) << pair.expected << " not in\n" << all(bad);
    const auto fine = lint_of(pair.fine, pair.files);
    if (pair.id == "denial-temporary" || pair.id == "certificates-inert" || pair.id == "compatibility-level" ||
        pair.id == "networks-style")
      EXPECT_EQ(std::find(fine.begin(), fine.end(), pair.expected), fine.end()) << all(fine);
    else
      EXPECT_FALSE(holds(fine, pair.id)) << pair.id << " in\n" << all(fine);
  }
}

TEST(Lint, EveryRuleHasATest) {
  for (const auto& rule : lint_rules()) {
    const bool there = std::any_of(pairs.begin(), pairs.end(), [&](const Pair& p) { return p.id == rule.id; });
    EXPECT_TRUE(there || rule.id == "table-stale" || rule.id == "relay-set-unknown") << rule.id;
  }
}

TEST(Lint, NothingIsFoundInAGoodConfiguration) { EXPECT_EQ(all(lint_of(good + sasl, master)), ""); }

TEST(Lint, WhatIsTooMuchToComputeIsSaid) {
  std::string many;
  for (int i = 0; i < 100'001; ++i) many += "d" + std::to_string(i) + ".example REJECT\n";
  const Files files = {{"s", many}};
  const auto lines =
      lint_of(good + sasl + "smtpd_sender_restrictions = check_sender_access texthash:/etc/postfix/s\n", files);
  ASSERT_EQ(lines.size(), 1u) << all(lines);
  EXPECT_EQ(lines[0], "info relay-set-unknown built-in default relay set");
}

TEST(Lint, ATableOlderThanItsText) {
  const TemporaryDirectory directory(
      {{"main.cf", good + sasl + "transport_maps = hash:/etc/postfix/a\n"}, {"a", "x y:\n"}, {"a.db", "x"}});
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(directory.path() / "a.db", now - std::chrono::hours(2));
  auto found = findings_of(directory);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "table-stale");
  EXPECT_EQ(found[0].where.to_string(), "main.cf:13");
  std::filesystem::last_write_time(directory.path() / "a.db", now + std::chrono::hours(2));
  EXPECT_TRUE(findings_of(directory).empty());
}

}  // namespace
}  // namespace smtpdx::mta::postfix
