// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/relay_set.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/address_space.hpp"
#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::Server;
using Lines = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

const std::string base =
    "compatibility_level = 3.6\nmyhostname = mx.home.example\nmyorigin = home.example\n"
    "mydestination = $myhostname, home.example, localhost\nmynetworks = 127.0.0.0/8 10.0.0.0/8\n"
    "local_recipient_maps =\nsmtpd_sasl_auth_enable = yes\n";
const std::string relay =
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n";
const std::string closed = "smtpd_relay_restrictions = permit_mynetworks, ";
const std::string ours = "25 yes client=10.0.0.0/8,127.0.0.0/8 by permit_mynetworks main.cf:8";
const std::string logins = "25 yes login=any valid login by permit_sasl_authenticated main.cf:8";

/// "25 yes client=10.0.0.0/8,127.0.0.0/8 by permit_mynetworks main.cf:8"
Lines shown(const std::vector<RelayRegion>& regions) {
  Lines out;
  for (const auto& region : regions) {
    auto line = std::to_string(region.port) + " " + std::string(to_string(region.relay));
    for (const auto& limit : region.limits) {
      line += " " + limit.axis + (limit.except ? "!=" : "=");
      for (const auto& member : limit.members) line += member + (&member == &limit.members.back() ? "" : ",");
    }
    out.push_back(line + " by " + region.restriction + " " + region.where.to_string() +
                  (region.everybody ? " EVERYBODY" : ""));
  }
  return out;
}

Lines set_of(const std::string& main, Files files = {}) {
  Server server(main, std::move(files));
  auto set = RelaySet::compute(server.configuration());
  EXPECT_TRUE(set);
  return set ? shown(set->regions()) : Lines{};
}

TEST(RelaySet, NetworksAndLogins) {
  EXPECT_EQ(set_of(base + relay), (Lines{logins, ours}));
  EXPECT_EQ(set_of(base + closed + "reject_unauth_destination\n"), Lines{ours});
  EXPECT_EQ(set_of(base + "smtpd_relay_restrictions = reject_unauth_destination, permit_sasl_authenticated\n"),
            Lines{});
  EXPECT_EQ(set_of(base + relay + "smtpd_sasl_auth_enable = no\n"), Lines{ours});
}

TEST(RelaySet, AnOpenRelayIsCalledOne) {
  EXPECT_EQ(set_of(base + "mynetworks = 0.0.0.0/0\n" + relay)[0],
            "25 yes client=0.0.0.0/0 by permit_mynetworks main.cf:9 EVERYBODY");
  const Files senders = {{"s", "boss@ OK\npartner.example OK\nspam.example REJECT\n"}};
  const auto lines =
      set_of(base + closed + "check_sender_access hash:/etc/postfix/s, reject_unauth_destination\n", senders);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0],
            "25 yes sender=@partner.example,@*.partner.example,boss@ by check_sender_access hash:/etc/postfix/s "
            "main.cf:8 EVERYBODY");
  EXPECT_EQ(lines[1], ours);
  // A name that leads back and forth is not everybody's, nor is one recipient the world.
  for (const std::string test : {"check_client_access", "check_recipient_access"})
    EXPECT_EQ(set_of(base + "smtpd_relay_restrictions = " + test + " hash:/etc/postfix/s, reject_unauth_destination\n",
                     {{"s", "partner.example OK\n"}}),
              Lines{"25 yes " + std::string(test == "check_client_access" ? "client-name=" : "recipient=@") +
                    "partner.example," + (test == "check_client_access" ? "" : "@") + "*.partner.example by " + test +
                    " hash:/etc/postfix/s main.cf:8"});
}

TEST(RelaySet, TablesOfAddresses) {
  EXPECT_EQ(
      set_of(base + "smtpd_relay_restrictions = check_client_access cidr:/etc/postfix/c, reject_unauth_destination\n",
             {{"c", "192.0.2.0/25 REJECT\n192.0.2.0/24 OK\n203.0.113.7 OK\n2001:db8::/32 OK\n"}}),
      Lines{"25 yes client=192.0.2.128/25,203.0.113.7/32,2001:db8::/32 by check_client_access "
            "cidr:/etc/postfix/c main.cf:8"});
  EXPECT_EQ(
      set_of(base + "smtpd_relay_restrictions = check_client_access hash:/etc/postfix/c, reject_unauth_destination\n",
             {{"c", "192.0 OK\n192.0.0 REJECT\n2001:db8 OK\n"}})[0]
          .substr(0, 58),
      "25 yes client=192.0.1.0/24,192.0.2.0/23,192.0.4.0/22,192.0");
}

TEST(RelaySet, WhoseTheSenderIsCountsNotWhichOfThem) {
  const auto lines = set_of(base + relay +
                                "smtpd_sender_restrictions = reject_sender_login_mismatch\nsmtpd_sender_login_maps = "
                                "hash:/etc/postfix/o\n",
                            {{"o", "ann@home.example ann\nbob@home.example bob\n"}});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "25 yes owner=one that belongs to the login by permit_sasl_authenticated main.cf:8");
}

TEST(RelaySet, WhatCannotBeCountedIsSaid) {
  const auto patterns =
      set_of(base + closed + "check_recipient_access pcre:/etc/postfix/r, reject_unauth_destination\n",
             {{"r", "/@partner\\.example$/ OK\n/^abuse@/ OK\n/x/ DUNNO\n"}});
  ASSERT_EQ(patterns.size(), 2u);
  EXPECT_NE(
      patterns[0].find("check_recipient_access pcre:/etc/postfix/r=r:1: /@partner\\.example$/ OK,r:2: /^abuse@/ OK"),
      std::string::npos)
      << patterns[0];
  const auto database = set_of(base + closed + "check_sender_access mysql:x, reject_unauth_destination\n");
  ASSERT_EQ(database.size(), 2u);
  EXPECT_EQ(
      database[1],
      "25 perhaps check_sender_access mysql:x=what would answer OK there by check_sender_access mysql:x main.cf:8 "
      "EVERYBODY");
  EXPECT_EQ(set_of(base + relay + "smtpd_client_restrictions = reject_rbl_client bl.example\n")[0],
            "25 unless login=any valid login by permit_sasl_authenticated main.cf:8");
  EXPECT_EQ(set_of(base + closed + "permit_mx_backup, reject_unauth_destination\n")[1],
            "25 perhaps by permit_mx_backup main.cf:8 EVERYBODY");
}

TEST(RelaySet, EachServiceHasItsOwn) {
  const auto lines =
      set_of(base + relay,
             {{"master.cf",
               "smtp inet n - n - - smtpd\n -o smtpd_sasl_auth_enable=no\nsubmission inet n - n - - smtpd\n -o "
               "smtpd_tls_security_level=encrypt -o smtpd_tls_cert_file=/x -o "
               "smtpd_relay_restrictions=permit_sasl_authenticated,reject\n127.0.0.1:10025 inet n - n - - smtpd -o "
               "mynetworks=0.0.0.0/0 -o smtpd_sasl_auth_enable=no\n"}});
  EXPECT_EQ(lines, (Lines{ours, "587 yes login=any valid login by permit_sasl_authenticated master.cf:4",
                          "10025 yes client=127.0.0.0/8 by permit_mynetworks main.cf:8"}));
}

TEST(RelaySet, WitnessesAreReplayedWithNothingAssumed) {
  Server server(base + relay);
  const auto set = RelaySet::compute(server.configuration());
  ASSERT_TRUE(set);
  for (const auto& region : set->regions()) {
    EXPECT_TRUE(region.witnessed);
    EXPECT_EQ(server.ask(region.witness).verdict, Verdict::accepted);
  }
}

TEST(RelaySet, TheDifferenceOfTwo) {
  Server before(base + relay), after(base + "mynetworks = 127.0.0.0/8 192.0.2.7\n" + relay);
  const auto between = RelayDifference::between(before.configuration(), after.configuration());
  ASSERT_TRUE(between);
  EXPECT_EQ(shown(between->gained),
            Lines{"25 yes client=192.0.2.7/32 login=nobody logged in by permit_mynetworks main.cf:9"});
  EXPECT_EQ(shown(between->lost),
            Lines{"25 yes client=10.0.0.0/8 login=nobody logged in by permit_mynetworks main.cf:8"});
  const auto none = RelayDifference::between(before.configuration(), before.configuration());
  EXPECT_TRUE(none->gained.empty() && none->lost.empty());
}

TEST(RelaySet, SpansAndNetworks) {
  AddressSpace space;
  space.cut(*Network::parse("192.0.2.0/24"));
  space.cut(*Network::parse("192.0.2.128/25"));
  space.cut(*Network::parse("255.255.255.255"));
  space.cut(*Network::parse("[ffff::]/16"));
  std::vector<Span> v4;
  for (const auto& span : space.spans()) {
    EXPECT_LT(span.begin, span.end);
    if (!span.first().is_v6()) v4.push_back(span);
  }
  EXPECT_EQ(v4.size(), 5u);
  const auto whole = networks_of(v4);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].to_string(), "0.0.0.0/0");
  bool blurred = false;
  EXPECT_EQ(networks_of_key("10.1", blurred)[0].to_string(), "10.1.0.0/16");
  EXPECT_EQ(networks_of_key("2001:db8", blurred)[0].to_string(), "2001:db8::/32");
  EXPECT_FALSE(blurred);
  EXPECT_EQ(networks_of_key("2001:db8::1", blurred).size(), 2u);
  EXPECT_TRUE(blurred);
}

}  // namespace
}  // namespace smtpdx::mta::postfix
