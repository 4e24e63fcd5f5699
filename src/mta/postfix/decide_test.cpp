// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/decide.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::brief;
using testing::by;
using testing::Server;

const std::string base =
    "compatibility_level = 3.6\n"
    "myhostname = mx.home.example\n"
    "myorigin = home.example\n"
    "mydestination = $myhostname, home.example, localhost\n"
    "mynetworks = 127.0.0.0/8 10.0.0.0/8\n"
    "local_recipient_maps =\n";
const std::string relay =
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n";

Session logged_in(Session session) {
  session.login = Login{"ann", true};
  return session;
}

TEST(Decide, RelayDeniedCitesRestrictionAndLine) {
  const Server server(base +
                      "smtpd_relay_restrictions =\n  permit_mynetworks\n  # logins\n  permit_sasl_authenticated\n  "
                      "reject_unauth_destination\n");
  const auto denied = server.ask("203.0.113.9", "bob@far.example");
  EXPECT_EQ(brief(denied), "refused 554 5.7.1");
  EXPECT_EQ(denied.text, "<bob@far.example>: Relay access denied");
  EXPECT_EQ(by(denied), "reject_unauth_destination main.cf:11");
  EXPECT_EQ(denied.by->parameter, "smtpd_relay_restrictions");
  ASSERT_EQ(denied.trace.size(), 3u);
  EXPECT_EQ(denied.trace[0].restriction, "permit_mynetworks");
  EXPECT_EQ(denied.trace[0].result, "no match");
  EXPECT_EQ(denied.trace[0].why, "203.0.113.9 is in none of 127.0.0.0/8, 10.0.0.0/8 (main.cf:5 mynetworks)");
  EXPECT_EQ(denied.trace[2].result, "refuse");
  EXPECT_EQ(brief(server.ask("10.1.2.3", "bob@far.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "ann@home.example")), "accepted 250 2.1.5");
}

TEST(Decide, TheDefaultDenialIsTemporaryAndCodesFollowTheirParameters) {
  EXPECT_EQ(brief(Server(base).ask("203.0.113.9", "bob@far.example")), "refused 454 4.7.1");
  EXPECT_EQ(by(Server(base).ask("203.0.113.9", "bob@far.example")), "defer_unauth_destination built-in default");
  EXPECT_EQ(brief(Server(base + relay + "relay_domains_reject_code = 521\n").ask("203.0.113.9", "bob@far.example")),
            "refused 521 5.7.1");
  EXPECT_EQ(brief(Server(base + "relay_domains_reject_code = 550\n").ask("203.0.113.9", "bob@far.example")),
            "refused 450 4.7.1");
  EXPECT_EQ(brief(Server(base + relay + "soft_bounce = yes\n").ask("203.0.113.9", "bob@far.example")),
            "refused 454 4.7.1");
}

TEST(Decide, RoutedFormsCountAsRelayUnlessTrusted) {
  const Server server(base + relay + "relay_domains = branch.example\n");
  for (const std::string form : {"bob%far.example@home.example", "bob%far.example@branch.example", "far.example!bob",
                                 "far.example!bob@branch.example", "\"bob@far.example\"@home.example",
                                 "bob@far.example@branch.example", "@home.example:bob@far.example"})
    EXPECT_EQ(brief(server.ask("203.0.113.9", form)), "refused 554 5.7.1") << form;
  EXPECT_EQ(brief(server.ask("203.0.113.9", "ann%home.example@home.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "bob@deep.branch.example")), "accepted 250 2.1.5");
  const Server trusting(base + relay + "relay_domains = branch.example\nallow_untrusted_routing = yes\n");
  EXPECT_EQ(brief(trusting.ask("203.0.113.9", "bob%far.example@branch.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(trusting.ask("203.0.113.9", "bob%far.example@home.example")), "refused 554 5.7.1");
}

TEST(Decide, AddressClasses) {
  const Server server(base + relay +
                          "virtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_mailbox_domains = boxes.example\n"
                          "virtual_mailbox_maps = hash:/etc/postfix/boxes\nrelay_domains = branch.example\n",
                      {{"virtual", "club.example whatever\nhead@club.example ann\n@bare.example ann\n"},
                       {"boxes", "carl@boxes.example c/\n"}});
  const auto class_of = [&](const std::string& address) {
    const auto decision = server.ask("203.0.113.9", address);
    return std::string(to_string(decision.recipient->address_class)) + " " + decision.recipient->where.to_string();
  };
  EXPECT_EQ(class_of("ann@home.example"), "local main.cf:4");
  EXPECT_EQ(class_of("ann"), "local main.cf:4");
  EXPECT_EQ(class_of("ann@[192.0.2.1]"), "local built-in default");
  EXPECT_EQ(class_of("head@club.example"), "virtual alias virtual:1");
  EXPECT_EQ(class_of("carl@boxes.example"), "virtual mailbox main.cf:9");
  EXPECT_EQ(class_of("x@branch.example"), "relay main.cf:11");
  EXPECT_EQ(class_of("x@bare.example"), "none built-in default");  // a catch-all alone makes no domain
  EXPECT_EQ(class_of("x@sub.home.example"), "none built-in default");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "nobody@club.example")), "refused 550 5.1.1");
  EXPECT_EQ(server.ask("203.0.113.9", "nobody@boxes.example").text,
            "<nobody@boxes.example>: Recipient address rejected: User unknown in virtual mailbox table");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "postmaster")), "accepted 250 2.1.5");
}

TEST(Decide, WhatOnlyADatabaseKnowsIsUnknown) {
  const Server server(base + relay + "virtual_mailbox_domains = mysql:/etc/postfix/domains.cf\n");
  const auto decision = server.ask("203.0.113.9", "bob@far.example");
  EXPECT_EQ(decision.verdict, Verdict::unknown);
  ASSERT_FALSE(decision.unknown.empty());
  EXPECT_NE(decision.unknown[0].find("mysql:/etc/postfix/domains.cf"), std::string::npos);
  EXPECT_EQ(brief(server.ask("203.0.113.9", "ann@home.example")),
            "accepted 250 2.1.5");  // decided before the database is asked
  // From a trusted client only the mailbox could still be refused, if the database made the domain one of ours.
  const auto trusted_client = server.ask("10.1.2.3", "bob@far.example");
  EXPECT_EQ(trusted_client.verdict, Verdict::unknown);
  EXPECT_EQ(trusted_client.if_silent->verdict, Verdict::accepted);
}

TEST(Decide, RestrictionsThatAskTheWorldLeaveTheVerdictOpenOnlyWhenReached) {
  const Server server(base + relay +
                      "smtpd_recipient_restrictions = reject_rbl_client bl.example, check_policy_service unix:p\n");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "bob@far.example")), "refused 554 5.7.1");
  const auto open = server.ask("203.0.113.9", "ann@home.example");
  EXPECT_EQ(open.verdict, Verdict::unknown);
  ASSERT_TRUE(open.if_silent);
  EXPECT_EQ(open.if_silent->verdict, Verdict::accepted);
  EXPECT_EQ(open.trace[3].result, "not replayed");
  const Server before(base +
                      "smtpd_relay_restrictions = permit_mynetworks, permit_mx_backup, reject_unauth_destination\n");
  const auto may_pass = before.ask("203.0.113.9", "bob@far.example");
  EXPECT_EQ(may_pass.verdict, Verdict::unknown);
  EXPECT_TRUE(may_pass.may_be_permitted);
  const Server sender(base + relay + "smtpd_sender_restrictions = reject_unknown_sender_domain\n");
  const auto refused_anyway = sender.ask("203.0.113.9", "bob@far.example");
  EXPECT_EQ(refused_anyway.verdict, Verdict::unknown);
  EXPECT_FALSE(refused_anyway.may_be_permitted);
  EXPECT_EQ(refused_anyway.if_silent->code, 554);
}

TEST(Decide, AnUnknownPermitInFrontOfAnAcceptanceMakesNoDifference) {
  const Server server(base + "mynetworks = mysql:x\n" + relay);
  EXPECT_EQ(server.ask("203.0.113.9", "bob@far.example").verdict, Verdict::unknown);
  const Server certificates(base +
                            "smtpd_relay_restrictions = permit_dnswl_client wl.example, reject_unauth_destination\n");
  EXPECT_EQ(brief(certificates.ask("203.0.113.9", "ann@home.example")), "accepted 250 2.1.5");
  EXPECT_EQ(certificates.ask("203.0.113.9", "bob@far.example").verdict, Verdict::unknown);
}

TEST(Decide, ALoginCountsOnlyWhereItsPermitStandsBeforeTheRefusal) {
  const std::string sasl = "smtpd_sasl_auth_enable = yes\n";
  const auto ask = [](const std::string& main) {
    return Server(main).ask(logged_in(Server::session("203.0.113.9", "bob@far.example")));
  };
  EXPECT_EQ(brief(ask(base + sasl + relay)), "accepted 250 2.1.5");
  const auto late =
      ask(base + sasl + "smtpd_relay_restrictions = reject_unauth_destination, permit_sasl_authenticated\n");
  EXPECT_EQ(brief(late), "refused 554 5.7.1");
  EXPECT_EQ(by(late), "reject_unauth_destination main.cf:8");
  const auto off = ask(base + relay);
  EXPECT_EQ(off.verdict, Verdict::no_auth);
  EXPECT_EQ(off.by->parameter, "smtpd_sasl_auth_enable");
  auto plain = logged_in(Server::session("203.0.113.9", "bob@far.example"));
  plain.tls = Tls::none;
  const auto needs_tls = Server(base + sasl + relay + "smtpd_tls_auth_only = yes\n").ask(plain);
  EXPECT_EQ(needs_tls.verdict, Verdict::no_auth);
  EXPECT_EQ(by(needs_tls), " main.cf:9");
  plain.login->valid = false;
  EXPECT_EQ(brief(Server(base + sasl + relay).ask(plain)), "refused 535 5.7.8");
}

TEST(Decide, EachServiceHasItsOwnSettings) {
  const Server server(base + relay + "own_list = permit_sasl_authenticated, reject\n",
                      {{"master.cf",
                        "smtp inet n - n - - smtpd\n"
                        "submission inet n - n - - smtpd\n"
                        " -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=$own_list\n"
                        "127.0.0.1:2525 inet n - n - - smtpd -o mynetworks=0.0.0.0/0\n"
                        "2525 inet n - n - - smtpd\n"
                        "smtps inet n - n - - other\n"}});
  auto session = Server::session("10.1.2.3", "bob@far.example");
  EXPECT_EQ(brief(server.ask(session)), "accepted 250 2.1.5");
  session.port = 587;
  const auto denied = server.ask(session);
  EXPECT_EQ(denied.text, "<bob@far.example>: Recipient address rejected: Access denied");
  EXPECT_EQ(by(denied), "reject main.cf:8");  // where the list's words stand
  EXPECT_EQ(brief(server.ask(logged_in(session))), "accepted 250 2.1.5");
  session.port = 2525;
  session.client = IpAddress::parse("203.0.113.9");
  EXPECT_EQ(brief(server.ask(session)), "refused 554 5.7.1");  // not the one on loopback
  session.port = 465;
  EXPECT_EQ(server.ask(session).verdict, Verdict::unknown);
  session.port = 26;
  EXPECT_EQ(brief(server.ask(session)), "unknown: master.cf has no service on port 26");
}

TEST(Decide, PermitsInOtherListsDoNotOpenTheRelayAndTablesMayRefuse) {
  const Server server(
      base + relay +
          "smtpd_client_restrictions = check_client_access hash:/etc/postfix/clients, permit\n"
          "smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/senders\n",
      {{"clients", "203.0.113 OK\n198.51.100.7 554 5.7.1 go away\n"},
       {"senders",
        "spam.example REJECT\nlater.example 450 4.2.0 later\nann@home.example permit_mynetworks, reject\n"}});
  EXPECT_EQ(brief(server.ask("203.0.113.9", "bob@far.example")), "refused 554 5.7.1");
  const auto client = server.ask("198.51.100.7", "ann@home.example");
  EXPECT_EQ(client.text, "<unknown[198.51.100.7]>: Client host rejected: go away");
  EXPECT_EQ(by(client), "check_client_access clients:2");
  EXPECT_EQ(server.ask("203.0.113.9", "ann@home.example", "x@sub.spam.example").text,
            "<x@sub.spam.example>: Sender address rejected: Access denied");
  EXPECT_EQ(brief(server.ask("203.0.113.9", "ann@home.example", "x@later.example")), "refused 450 4.2.0");
  const auto nested = server.ask("203.0.113.9", "bob@home.example", "ann@home.example");
  EXPECT_EQ(by(nested), "reject senders:3");
  EXPECT_EQ(brief(server.ask("10.1.2.3", "bob@far.example", "ann@home.example")), "accepted 250 2.1.5");
}

TEST(Decide, ClassesWarningsMisspellingsAndMissingProtection) {
  const Server classes(base +
                       "smtpd_restriction_classes = guard\nguard = reject_unauth_destination\nsmtpd_relay_restrictions "
                       "= warn_if_reject reject, permit_mynetworks, guard\n");
  EXPECT_EQ(by(classes.ask("203.0.113.9", "bob@far.example")), "reject_unauth_destination main.cf:8");
  const auto typo = Server(base + "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destinaton, reject\n")
                        .ask("203.0.113.9", "ann@home.example");
  EXPECT_EQ(brief(typo), "refused 451 4.3.5");
  EXPECT_EQ(by(typo), "reject_unauth_destinaton main.cf:7");
  for (const std::string open :
       {"smtpd_relay_restrictions = permit_mynetworks\n", "smtpd_relay_restrictions = permit, reject\n",
        "smtpd_relay_restrictions = warn_if_reject reject_unauth_destination\n"})
    EXPECT_EQ(Server(base + open).ask("203.0.113.9", "ann@home.example").verdict, Verdict::server_fatal) << open;
}

TEST(Decide, ValuesAtWhichTheServerStops) {
  for (const std::string line :
       {"smtpd_sasl_auth_enable = true\n", "smtpd_delay_reject =\n", "relay_domains_reject_code = 554x\n"}) {
    const auto fatal = Server(base + relay + line).ask("10.1.2.3", "ann@home.example");
    EXPECT_EQ(fatal.verdict, Verdict::server_fatal) << line;
    EXPECT_EQ(by(fatal), " main.cf:8");
  }
  const std::string no_plain = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noanonymous, noplaintext\n";
  EXPECT_EQ(Server(base + relay + no_plain).ask("10.1.2.3", "ann@home.example").verdict, Verdict::server_fatal);
  EXPECT_EQ(brief(Server(base + relay + no_plain + "smtpd_tls_auth_only = yes\n").ask("10.1.2.3", "ann@home.example")),
            "accepted 250 2.1.5");
}

TEST(Decide, TheOriginFromAFileElsewhereIsUnknown) {
  const Server server(base + relay + "myorigin = /etc/mailname\n");
  EXPECT_EQ(server.ask("203.0.113.9", "ann").verdict, Verdict::unknown);
  EXPECT_EQ(brief(server.ask("203.0.113.9", "ann@home.example")), "accepted 250 2.1.5");
}

TEST(Decide, WithoutDelayRefusalsComeAtTheirOwnStage) {
  const Server server(base + relay +
                      "smtpd_delay_reject = no\nsmtpd_client_restrictions = permit_mynetworks, "
                      "reject\nsmtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n");
  EXPECT_EQ(server.ask("203.0.113.9", "ann@home.example").stage, Stage::connect);
  auto session = Server::session("10.1.2.3", "ann@home.example");
  session.helo = "laptop";
  const auto refused = server.ask(session);
  EXPECT_EQ(refused.stage, Stage::ehlo);
  EXPECT_EQ(refused.text, "<laptop>: Helo command rejected: need fully-qualified hostname");
  session.helo.reset();
  EXPECT_EQ(server.ask(session).verdict, Verdict::unknown);
}

TEST(Decide, TrustByTheServersOwnNetworks) {
  const std::string bare = "myhostname = mx.home.example\nmydestination = home.example\nlocal_recipient_maps =\n";
  Server subnet(bare +
                "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n");  // level 0: subnet
  EXPECT_EQ(brief(subnet.ask("192.0.2.99", "bob@far.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(subnet.ask("192.0.3.99", "bob@far.example")), "refused 554 5.7.1");
  EXPECT_EQ(brief(subnet.ask("::ffff:192.0.2.99", "bob@far.example")), "accepted 250 2.1.5");
  subnet.configuration().own_addresses.clear();
  EXPECT_EQ(subnet.ask("192.0.2.99", "bob@far.example").verdict, Verdict::unknown);
  EXPECT_EQ(brief(subnet.ask("127.0.0.1", "bob@far.example")), "accepted 250 2.1.5");
  Server host(bare + "compatibility_level = 2\n");
  EXPECT_EQ(brief(host.ask("192.0.2.1", "bob@far.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(host.ask("192.0.2.99", "bob@far.example")), "refused 454 4.7.1");
  host.configuration().own_addresses = {{*IpAddress::parse("192.0.2.0"), 24, false}};
  EXPECT_EQ(host.ask("192.0.2.99", "bob@far.example").verdict, Verdict::unknown);
  EXPECT_EQ(brief(host.ask("198.51.100.9", "bob@far.example")), "refused 454 4.7.1");
}

TEST(Decide, SendersThatBelongToLogins) {
  const Server server(base + relay +
                          "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = "
                          "hash:/etc/postfix/owners\nsmtpd_sender_restrictions = reject_sender_login_mismatch\n",
                      {{"owners", "ann@home.example ann\nbob@home.example bob, carl\n"}});
  auto session = Server::session("203.0.113.9", "bob@far.example", "bob@home.example");
  EXPECT_EQ(server.ask(session).text, "<bob@home.example>: Sender address rejected: not logged in");
  EXPECT_EQ(server.ask(logged_in(session)).text, "<bob@home.example>: Sender address rejected: not owned by user ann");
  session.sender = "ann@home.example";
  EXPECT_EQ(brief(server.ask(logged_in(session))), "accepted 250 2.1.5");
  auto somebody = logged_in(session);
  somebody.login->user.reset();
  EXPECT_EQ(server.ask(somebody).verdict, Verdict::unknown);
}

TEST(Decide, StrangeInputEndsInAnErrorOrAnOpenVerdict) {
  using Files = std::map<std::string, std::string>;
  EXPECT_FALSE(load("/nowhere/at/all"));
  EXPECT_FALSE(load("/dev/null"));
  const testing::TemporaryDirectory loop(Files{{"main.cf", "a = $b\nb = $a\n"}});
  const auto broken = load(loop.path());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, ErrorKind::malformed);
  const testing::TemporaryDirectory master(Files{{"main.cf", "a = b\n"}, {"master.cf", "smtp inet n\n"}});
  EXPECT_FALSE(load(master.path()));
  const testing::TemporaryDirectory big(Files{{"main.cf", std::string(max_file_size + 1, 'a')}});
  const auto large = load(big.path());
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, ErrorKind::limit);
  const Server server(
      base +
      "smtpd_restriction_classes = a, b\na = b\nb = a\nsmtpd_relay_restrictions = a, reject_unauth_destination\n");
  EXPECT_EQ(server.ask("203.0.113.9", "bob@far.example").verdict, Verdict::unknown);
  const std::vector<std::string> strange = {
      "", "<>", "\"", "a b@c", "@", "x@", "@home.example", "(c)x@home.example", "a\x01@b"};
  for (const auto& recipient : strange)
    EXPECT_EQ(server.ask("203.0.113.9", recipient).verdict, Verdict::unknown) << recipient;
}

TEST(Decide, DomainsThatAreNoneAreRefusedBeforeAnyList) {
  const Server server(base + relay);
  for (const std::string recipient :
       {"a@192.0.2.1", "a@b..example", "a@.home.example", "a@@home.example", "a%@home.example", "!a@home.example",
        "a@[192.0.2]", "a@[2001:db8::1]", "a@-b.example"})
    EXPECT_EQ(brief(server.ask("10.1.2.3", recipient)), "refused 501 5.1.3") << recipient;
  EXPECT_EQ(brief(server.ask("10.1.2.3", "a@[IPv6:2001:db8::1]")), "accepted 250 2.1.5");
}

}  // namespace
}  // namespace smtpdx::mta::postfix
