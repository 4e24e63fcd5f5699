// SPDX-License-Identifier: Apache-2.0
//
// What decides, one law at a time. The breadth is in script/lab exim-oracle, against the real server.

#include "mta/exim/decide.hpp"

#include "mta/exim/testing.hpp"

namespace smtpdx::mta::exim {
namespace {

using testing::ask;
using testing::Folder;
using testing::with_acl;

constexpr const char* closed =
    "  accept hosts = +relay_from_hosts\n  require message = relay not permitted\n"
    "          domains = +local_domains\n  accept\n";

TEST(EximDecide, CitesTheStatement) {
  const auto refused = ask(closed, "203.0.113.5", "b@far.example");
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.code, 550);
  EXPECT_EQ(refused.text, "relay not permitted");
  ASSERT_TRUE(refused.by);
  EXPECT_EQ(refused.by->restriction, "require");
  EXPECT_EQ(refused.by->parameter, "check");
  EXPECT_EQ(refused.by->where.to_string(), "exim.conf:9");
  EXPECT_EQ(ask(closed, "10.1.2.3", "b@far.example").verdict, Verdict::accepted);
  EXPECT_EQ(ask(closed, "203.0.113.5", "b@home.example").verdict, Verdict::accepted);
}

TEST(EximDecide, AnAclThatRunsOutDenies) {
  const auto decision = ask("  accept hosts = 10.0.0.1\n", "203.0.113.5", "b@far.example");
  EXPECT_EQ(decision.verdict, Verdict::refused);
  EXPECT_EQ(decision.text, "Administrative prohibition");
  EXPECT_FALSE(decision.by);
}

TEST(EximDecide, TheOrderMakesTheRelay) {
  const auto open =
      ask("  accept senders = *@home.example : *@far.example\n  deny ! domains = +local_domains\n  accept\n",
          "203.0.113.5", "b@elsewhere.example");
  EXPECT_EQ(open.verdict, Verdict::accepted);
  EXPECT_EQ(open.by->where.line, 8u);
}

TEST(EximDecide, AMessageMayBringItsCode) {
  const auto own = ask("  deny message = 554 5.7.1 no relay for $domain\n", "203.0.113.5", "b@far.example");
  EXPECT_EQ(own.code, 554);
  EXPECT_EQ(own.status, "5.7.1");
  EXPECT_EQ(own.text, "no relay for far.example");
  EXPECT_EQ(ask("  deny message = 450 later\n", "203.0.113.5", "b@far.example").code, 550);
}

TEST(EximDecide, WhatIsNotKnownIsAskedBothWays) {
  const auto open = ask("  accept condition = ${run{/bin/true}{yes}{no}}\n  deny\n", "203.0.113.5", "b@far.example");
  EXPECT_EQ(open.verdict, Verdict::unknown);
  EXPECT_TRUE(open.may_be_permitted);
  ASSERT_FALSE(open.unknown.empty());
  // It makes no difference here: the answer stands.
  const auto either =
      ask("  warn condition = ${run{/bin/true}{yes}{no}}\n  deny message = closed\n", "203.0.113.5", "b@far.example");
  EXPECT_EQ(either.verdict, Verdict::refused);
  EXPECT_TRUE(either.unknown.empty());
}

TEST(EximDecide, TheListsLastSignDecides) {
  EXPECT_EQ(ask("  accept hosts = !203.0.113.5\n", "203.0.113.6", "b@far.example").verdict, Verdict::accepted);
  EXPECT_EQ(ask("  accept hosts = !203.0.113.5\n", "203.0.113.5", "b@far.example").verdict, Verdict::refused);
  EXPECT_EQ(ask("  accept hosts = <; 2001:db8::/32 ; 10.0.0.0/8\n", "2001:db8::7", "b@far.example").verdict,
            Verdict::accepted);
}

TEST(EximDecide, MacrosAndBranches) {
  const Folder folder({{"exim.conf", with_acl(".ifdef OPEN\n  accept\n.else\n  deny message = REASON\n.endif\n",
                                              "REASON = closed here\n.include_if_exists /etc/exim4/more.conf\n")},
                       {"more.conf", "OPEN = yes\n"}});
  EXPECT_EQ(ask(folder, "203.0.113.5", "b@far.example").verdict, Verdict::accepted);
  const Folder without({{"exim.conf", with_acl(".ifdef OPEN\n  accept\n.else\n  deny message = REASON\n.endif\n",
                                               "REASON = closed here\n")}});
  EXPECT_EQ(ask(without, "203.0.113.5", "b@far.example").text, "closed here");
}

TEST(EximDecide, DebiansSettingsBecomeMacros) {
  const Folder folder({{"update-exim4.conf.conf",
                        "dc_eximconfig_configtype='internet'\ndc_other_hostnames='home.example'\n"
                        "dc_relay_nets='10.0.0.0/8;192.0.2.0/24'\ndc_use_split_config='true'\n"},
                       {"conf.d/main/01_macros",
                        "UPEX4CmacrosUPEX4C = 1\nprimary_hostname = mx.home.example\n"
                        "domainlist local_domains = MAIN_LOCAL_DOMAINS\n"
                        "hostlist relay_from_hosts = MAIN_RELAY_NETS\nacl_smtp_rcpt = check\n"},
                       {"conf.d/acl/00_begin", "begin acl\n"},
                       {"conf.d/acl/30_check", std::string("check:\n") + closed}});
  EXPECT_EQ(ask(folder, "192.0.2.7", "b@far.example").verdict, Verdict::accepted);
  const auto refused = ask(folder, "203.0.113.5", "b@far.example");
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.by->where.to_string(), "conf.d/acl/30_check:3");
}

TEST(EximDecide, APasswordIsKnownToBeRightOrNot) {
  const Folder folder(
      {{"exim.conf",
        with_acl("  accept authenticated = *\n  deny\n") +
            "begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n"
            "  server_condition = ${lookup{$auth2}lsearch{/etc/exim4/users}{${if eq{$value}{$auth3}}}fail}\n"},
       {"users", "alice: secret\n"}});
  auto configuration = load(folder.path());
  ASSERT_TRUE(configuration);
  Session session;
  session.client = IpAddress::parse("203.0.113.5");
  session.helo = "client.far.example";
  session.recipient = "b@far.example";
  session.login = Login{"alice", true};
  EXPECT_EQ(decide(*configuration, session).verdict, Verdict::accepted);
  session.login = Login{"alice", false};
  EXPECT_EQ(decide(*configuration, session).code, 535);
  session.login = Login{"mallory", true};
  EXPECT_EQ(decide(*configuration, session).code, 535);
}

TEST(EximDecide, AServerThatDoesNotStart) {
  const Folder folder({{"exim.conf", with_acl("  permit\n")}});
  const auto decision = ask(folder, "203.0.113.5", "b@far.example");
  EXPECT_EQ(decision.verdict, Verdict::server_fatal);
  ASSERT_TRUE(decision.by);
  EXPECT_EQ(decision.by->where.line, 8u);
}

TEST(EximHostile, LoopsAndBlowUpsEnd) {
  const Folder includes({{"exim.conf", std::string(".include /etc/exim4/exim.conf\n")}});
  const auto looped = load(includes.path());
  ASSERT_FALSE(looped);
  EXPECT_EQ(looped.error().kind, ErrorKind::limit);
  const Folder lists(
      {{"exim.conf", with_acl("  accept domains = +a\n", "domainlist a = +b : +b\ndomainlist b = +a : +a\n")}});
  EXPECT_EQ(ask(lists, "203.0.113.5", "b@far.example").verdict, Verdict::unknown);
  const Folder regex({{"exim.conf", with_acl("  accept condition = ${if match{" + std::string(60, 'a') +
                                             "}{^(a+)+\\$}}\n  accept condition = ${if match{" + std::string(60, 'a') +
                                             "!}{^(a+)+\\$}}\n")}});
  ask(regex, "203.0.113.5", "b@far.example");
  const Folder nested({{"exim.conf", with_acl("  accept acl = check\n")}});
  EXPECT_EQ(ask(nested, "203.0.113.5", "b@far.example").code, 451);
}

TEST(EximHostile, LinksOutOfTheDirectoryAreNotFollowed) {
  const Folder outside({{"secret", std::string("far.example\n")}});
  const Folder folder({{"exim.conf", with_acl("  accept domains = lsearch;/etc/exim4/link\n")}});
  std::filesystem::create_symlink(outside.path() / "secret", folder.path() / "link");
  EXPECT_EQ(ask(folder, "203.0.113.5", "b@far.example").verdict, Verdict::unknown);
}

}  // namespace
}  // namespace smtpdx::mta::exim
