// SPDX-License-Identifier: Apache-2.0
#include "intake/config.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/testing.hpp"

namespace smtpdx::intake {
namespace {

using mta::postfix::testing::TemporaryDirectory;

const std::string base =
    "compatibility_level = 3.6\n"
    "myhostname = mx.home.example\n"
    "mydestination = $myhostname, home.example\n"
    "mynetworks = 127.0.0.0/8 10.0.0.0/8\n"
    "local_recipient_maps =\n";

ConfigQuestion question(const std::string& recipient, std::uint16_t port = 25) {
  ConfigQuestion q;
  q.client = *IpAddress::parse("203.0.113.9");
  q.port = port;
  q.sender = "ann@home.example";
  q.recipient = recipient;
  return q;
}

diag::ConfigFact read(const std::map<std::string, std::string>& files, const ConfigQuestion& q) {
  const TemporaryDirectory directory(files);
  auto fact = read_config("postfix:" + directory.path().string(), q);
  EXPECT_TRUE(fact) << (fact ? "" : fact.error().message);
  return fact ? *fact : diag::ConfigFact();
}

TEST(ReadConfig, PermitBehindTheRefusalRefusesLoginsToo) {
  const auto fact =
      read({{"main.cf", base + "smtpd_sasl_auth_enable = yes\nsmtpd_relay_restrictions = permit_mynetworks,\n"
                               "  reject_unauth_destination,\n  permit_sasl_authenticated\n"}},
           question("bob@far.example"));
  EXPECT_EQ(fact.product, "postfix");
  EXPECT_EQ(fact.server_name, "mx.home.example");
  EXPECT_EQ(fact.sasl_enabled, true);
  EXPECT_EQ(fact.deciding, "reject_unauth_destination");
  EXPECT_EQ(fact.deciding_authenticated, "reject_unauth_destination");
  EXPECT_EQ(fact.reply_code, 554);
  EXPECT_EQ(fact.reply_code_authenticated, 554);
  EXPECT_EQ(fact.reply_text, "5.7.1 <bob@far.example>: Relay access denied");
  EXPECT_EQ(fact.relay_where, "main.cf:8");
  EXPECT_EQ(fact.relay_list, "permit_mynetworks, reject_unauth_destination, permit_sasl_authenticated");
  EXPECT_TRUE(fact.unknown.empty());
}

TEST(ReadConfig, APermitInFrontLetsLoginsPass) {
  const auto fact =
      read({{"main.cf", base + "smtpd_sasl_auth_enable = yes\nsmtpd_relay_restrictions = permit_mynetworks, "
                               "permit_sasl_authenticated, reject_unauth_destination\n"}},
           question("bob@far.example"));
  EXPECT_EQ(fact.reply_code, 554);
  EXPECT_EQ(fact.reply_code_authenticated, 0);
  EXPECT_EQ(fact.deciding_authenticated, "");
}

TEST(ReadConfig, TheServiceAskedDecidesAboutLogins) {
  const std::map<std::string, std::string> files = {
      {"main.cf", base + "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination\n"},
      {"master.cf",
       "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n"
       "  -o { smtpd_relay_restrictions = reject_unauth_destination, permit_sasl_authenticated }\n"}};
  const auto on_25 = read(files, question("bob@far.example"));
  EXPECT_EQ(on_25.sasl_enabled, false);
  EXPECT_EQ(on_25.reply_code_authenticated, 0);
  EXPECT_EQ(on_25.deciding_authenticated, "no login: smtpd_sasl_auth_enable (built-in default)");
  const auto on_587 = read(files, question("bob@far.example", 587));
  EXPECT_EQ(on_587.sasl_enabled, true);
  EXPECT_EQ(on_587.reply_code_authenticated, 554);
  EXPECT_EQ(on_587.relay_where, "master.cf:4");
  const auto on_465 = read(files, question("bob@far.example", 465));
  ASSERT_EQ(on_465.unknown.size(), 1u);
  EXPECT_EQ(on_465.reply_code, 0);
}

TEST(ReadConfig, ClientOutsideMynetworks) {
  const auto relay = base + "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n";
  auto q = question("bob@far.example");
  const auto outside = read({{"main.cf", relay}}, q);
  EXPECT_EQ(outside.client_trusted, false);
  EXPECT_EQ(outside.client_why, "203.0.113.9 is in none of 127.0.0.0/8, 10.0.0.0/8 (main.cf:4 mynetworks)");
  EXPECT_EQ(outside.sasl_enabled, false);
  q.client = *IpAddress::parse("10.9.9.9");
  const auto inside = read({{"main.cf", relay}}, q);
  EXPECT_EQ(inside.client_trusted, true);
  EXPECT_EQ(inside.reply_code, 0);
  q.client = IpAddress();
  const auto nobody = read({{"main.cf", relay}}, q);
  EXPECT_FALSE(nobody.client_trusted);
  EXPECT_EQ(nobody.reply_code, 0);
  EXPECT_FALSE(nobody.unknown.empty());
}

TEST(ReadConfig, DomainInNoClassAndItsLookAlikes) {
  const auto none = read({{"main.cf", base}}, question("bob@new.example"));
  EXPECT_EQ(none.recipient_domain, "new.example");
  EXPECT_EQ(none.recipient_class, "none");
  EXPECT_EQ(none.class_where,
            "in none of mydestination (main.cf:3), virtual_alias_domains (default), virtual_mailbox_domains (default), "
            "relay_domains (default)");
  EXPECT_EQ(none.deciding, "defer_unauth_destination");
  EXPECT_EQ(none.reply_code, 454);
  const auto relayed = read({{"main.cf", base + "relay_domains = new.example\n"}}, question("bob@new.example"));
  EXPECT_EQ(relayed.recipient_class, "relay");
  EXPECT_EQ(relayed.class_where, "main.cf:6 relay_domains: new.example");
  EXPECT_EQ(relayed.reply_code, 0);
  const auto database =
      read({{"main.cf", base + "virtual_mailbox_domains = mysql:/etc/postfix/d.cf\n"}}, question("bob@new.example"));
  EXPECT_EQ(database.recipient_class, "unknown");
  EXPECT_EQ(database.reply_code, 0);
  EXPECT_NE(database.unknown.at(0).find("mysql:/etc/postfix/d.cf"), std::string::npos);
}

TEST(ReadConfig, SoftRefusals) {
  const auto soft =
      read({{"main.cf", base + "soft_bounce = yes\nsmtpd_relay_restrictions = reject_unauth_destination\n"}},
           question("bob@far.example"));
  EXPECT_EQ(soft.reply_code, 454);
  EXPECT_EQ(soft.deciding, "reject_unauth_destination, softened by soft_bounce = yes (main.cf:6)");
}

TEST(ReadConfig, RoutedFormsOnlyWhereTheFormAloneIsRefused) {
  const auto main = base + "relay_domains = branch.example\nsmtpd_relay_restrictions = reject_unauth_destination\n";
  EXPECT_TRUE(read({{"main.cf", main}}, question("bob%far.example@branch.example")).routed_form);
  EXPECT_TRUE(read({{"main.cf", main}}, question("bob%far.example@home.example")).routed_form);
  EXPECT_FALSE(read({{"main.cf", main}}, question("bob%far.example@far.example")).routed_form);
  EXPECT_FALSE(read({{"main.cf", main}}, question("bob@branch.example")).routed_form);
  EXPECT_FALSE(read({{"main.cf", main + "allow_untrusted_routing = yes\n"}}, question("bob%far.example@branch.example"))
                   .routed_form);
}

TEST(ReadConfig, WhatMayHaveRefusedEarlierIsNamedAndWhatMayHavePermittedSilences) {
  const auto earlier = read({{"main.cf", base + "smtpd_client_restrictions = reject_rbl_client "
                                                "bl.example\nsmtpd_relay_restrictions = reject_unauth_destination\n"}},
                            question("bob@far.example"));
  EXPECT_EQ(earlier.reply_code, 554);
  EXPECT_EQ(earlier.unknown, std::vector<std::string>{"what reject_rbl_client bl.example (main.cf:6) says"});
  const auto permits =
      read({{"main.cf", base + "smtpd_relay_restrictions = permit_mx_backup, reject_unauth_destination\n"}},
           question("bob@far.example"));
  EXPECT_EQ(permits.reply_code, 0);
  EXPECT_EQ(permits.unknown.size(), 1u);
}

TEST(ReadConfig, AFixedRouteIsCitedAndAnUnreadableTableHidesIt) {
  const auto main = base + "transport_maps = texthash:/etc/postfix/transport\n";
  const auto pinned = read({{"main.cf", main}, {"transport", "# old\nfar.example smtp:[Old.far.example]:2525\n"}},
                           question("bob@far.example"));
  EXPECT_EQ(pinned.route, "smtp:[Old.far.example]:2525");
  EXPECT_EQ(pinned.route_host, "old.far.example");
  EXPECT_EQ(pinned.route_where, "transport:2");
  const std::string other = "other.example smtp:[x.example]\n";
  EXPECT_EQ(read({{"main.cf", main}, {"transport", other}}, question("bob@far.example")).route, "");
  EXPECT_EQ(read({{"main.cf", main}, {"transport", "far.example discard:\n"}}, question("bob@far.example")).route_host,
            "");
  EXPECT_EQ(read({{"main.cf", main}}, question("bob@far.example")).route, "");
}

const std::string refuse = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n";

TEST(ReadConfig, ATableThatWasNotRebuiltGivesTheServerAnotherClass) {
  const auto main = base + refuse + "virtual_mailbox_domains = hash:/etc/postfix/domains\n";
  const std::string text = "old.example x\nfar.example x\n";
  const auto stale =
      read({{"main.cf", main}, {"domains", text}, {"domains.db", "old.example"}}, question("bob@far.example"));
  EXPECT_EQ(stale.recipient_class, "virtual mailbox");
  EXPECT_EQ(stale.reply_code, 0);
  EXPECT_EQ(stale.stale, "domains.db lacks far.example, which domains:2 has");
  EXPECT_EQ(stale.reply_code_built, 554);
  EXPECT_EQ(stale.broken, "");
  const auto fresh = read({{"main.cf", main}, {"domains", text}, {"domains.db", "far.example old.example"}},
                          question("bob@far.example"));
  EXPECT_EQ(fresh.stale, "");
  EXPECT_EQ(fresh.reply_code_built, 0);
  const auto never = read({{"main.cf", main}, {"domains", text}}, question("bob@far.example"));
  EXPECT_EQ(never.stale, "");
  EXPECT_EQ(never.broken,
            "hash:/etc/postfix/domains (main.cf:7) cannot be opened: there is no /etc/postfix/domains.db");
  EXPECT_EQ(never.reply_code_built, 451);
}

TEST(ReadConfig, ATableThatIsNotThereIsNamedAndOneThatLiesElsewhereIsNot) {
  const auto missing = read({{"main.cf", base + refuse + "virtual_alias_maps = texthash:/etc/postfix/virtual\n"}},
                            question("bob@far.example"));
  EXPECT_EQ(missing.broken,
            "texthash:/etc/postfix/virtual (main.cf:7) cannot be opened: there is no /etc/postfix/virtual");
  EXPECT_EQ(missing.reply_code_built, 451);
  const auto elsewhere =
      read({{"main.cf", base + refuse + "virtual_alias_maps = texthash:/srv/virtual\n"}}, question("bob@far.example"));
  EXPECT_EQ(elsewhere.broken, "");
  const auto closed = read({{"main.cf", base + "smtpd_relay_restrictions = permit\n"}}, question("bob@far.example"));
  EXPECT_NE(closed.broken, "");
  EXPECT_EQ(closed.reply_code_built, 0);
}

TEST(ReadConfig, ADomainInTwoClasses) {
  const auto main = base + refuse + "local_recipient_maps = inline:{root=x}\nvirtual_mailbox_domains = home.example\n";
  const auto known =
      read({{"main.cf", main + "virtual_mailbox_maps = inline:{bob@home.example=x}\n"}}, question("bob@home.example"));
  EXPECT_EQ(known.also_in, std::vector<std::string>{"main.cf:8 virtual_mailbox_domains: home.example"});
  EXPECT_EQ(known.known_there, true);
  EXPECT_EQ(known.reply_code, 550);
  const auto nobody =
      read({{"main.cf", main + "virtual_mailbox_maps = inline:{ann@home.example=x}\n"}}, question("bob@home.example"));
  EXPECT_EQ(nobody.known_there, false);
  const auto elsewhere =
      read({{"main.cf", main + "virtual_mailbox_maps = mysql:/etc/postfix/users.cf\n"}}, question("bob@home.example"));
  EXPECT_FALSE(elsewhere.known_there);
  // relay_domains = $mydestination was the default once, and Postfix does not warn of it.
  EXPECT_TRUE(read({{"main.cf", base + refuse + "relay_domains = $mydestination\n"}}, question("bob@home.example"))
                  .also_in.empty());
}

TEST(ReadConfig, WhetherTheNextHopIsLookedUp) {
  const auto main = base + refuse + "relay_domains = far.example\n";
  const auto ask = [&](const std::string& more) {
    return read({{"main.cf", main + more}}, question("bob@far.example")).goes_to_mx;
  };
  EXPECT_EQ(ask(""), true);
  EXPECT_EQ(ask("relay_transport = smtp\n"), true);
  EXPECT_EQ(ask("relayhost = [out.example]\n"), false);
  EXPECT_EQ(ask("relay_transport = smtp:[store.example]\n"), false);
  EXPECT_EQ(ask("relay_transport = lmtp:unix:private/lmtp\n"), false);
  EXPECT_EQ(ask("transport_maps = inline:{*=smtp:[out.example]}\n"), false);
  EXPECT_EQ(ask("transport_maps = inline:{.example=smtp:[out.example]}\n"), false);
  EXPECT_EQ(ask("transport_maps = inline:{x.example=smtp:[out.example]}\n"), true);
  EXPECT_FALSE(ask("transport_maps = mysql:/etc/postfix/transport.cf\n"));
}

TEST(ReadConfig, Errors) {
  EXPECT_EQ(read_config("exim:/etc/exim4", {}).error().kind, ErrorKind::usage);
  EXPECT_EQ(read_config("/etc/postfix", {}).error().kind, ErrorKind::usage);
  EXPECT_EQ(read_config("postfix:", {}).error().kind, ErrorKind::usage);
  EXPECT_EQ(read_config("postfix:/nowhere/at/all", {}).error().kind, ErrorKind::unreadable);
  const TemporaryDirectory broken(std::map<std::string, std::string>{{"main.cf", "x = 1\nnonsense\n"}});
  const auto read = read_config("postfix:" + broken.path().string(), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::malformed);
  EXPECT_TRUE(read.error().message.starts_with("main.cf:2"));
}

}  // namespace
}  // namespace smtpdx::intake
