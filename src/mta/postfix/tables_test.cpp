// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/tables.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/match_list.hpp"
#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::TemporaryDirectory;

class TablesTest : public ::testing::Test {
 protected:
  TemporaryDirectory files_{
      {{"hash", "Key.example one\n# no\nempty.example\ntwo.example  a b\n  c\ntwice first\ntwice second\n"},
       {"cdb", "twice first\ntwice second\n"},
       {"texthash", "a one\nb x\nb y\n"},
       {"cidr", "if 10.1.0.0/16\n10.1.200.0/24 inner\nendif\n!10.0.0.0/8 outside\n10.0.0.0/8 rest\n"},
       {"regexp", "/^(a+)@(.*)$/ $2-${1}\n/^B@/i case\n!/@/ bare\nif /@far/\n/^c@/ far\nendif\n"},
       {"pcre", "/^\\d+@/ digits\n/^(?=x)/ look\n"},
       {"bomb", "/((((a{200}){200}){200}){200})/ x\n"},
       {"big", std::string(max_file_size + 1, '#')},
       {"nets", "10.1.0.0/16 # office\n# 10.9.0.0/16\n!10.2.0.0/16\n"},
       {"loop", "/etc/postfix/loop\n"}}};
  Directory directory_{files_.path()};
  Tables tables_{directory_};

  Found ask(const std::string& pattern, const std::string& key) {
    return tables_.open(Cited(pattern, Where{"main.cf", 1}))->lookup(key);
  }
  std::string value(const std::string& pattern, const std::string& key) {
    const auto found = ask(pattern, key);
    return found.answer == Answer::yes ? found.value : std::string(to_string(found.answer));
  }
  MatchList list(const std::string& text) { return MatchList::parse(Cited(text, Where{"main.cf", 7}), tables_); }
};

TEST_F(TablesTest, IndexedTablesFoldCaseAndKeepTheirLines) {
  EXPECT_EQ(value("hash:/etc/postfix/hash", "key.EXAMPLE"), "one");
  EXPECT_EQ(ask("hash:hash", "key.example").where.to_string(), "hash:1");
  EXPECT_EQ(value("hash:/etc/postfix/hash", "two.example"), "a b  c");
  EXPECT_EQ(value("hash:/etc/postfix/hash", "empty.example"), "no");
  EXPECT_EQ(value("hash:/etc/postfix/hash", "twice"), "first");
  EXPECT_EQ(value("cdb:/etc/postfix/cdb", "twice"), "unknown");
  EXPECT_TRUE(ask("texthash:/etc/postfix/texthash", "a").broken);
  EXPECT_EQ(value("proxy:hash:/etc/postfix/hash", "key.example"), "one");
}

TEST_F(TablesTest, WhatPostmapMadeAnswersInPlaceOfTheText) {
  const TemporaryDirectory files({{"domains", "old.example x\nNew.example x\n"},
                                  {"domains.db", std::string("\x01\0old.example\0gone.example\0", 27)},
                                  {"unbuilt", "a.example x\n"},
                                  {"flat", "a.example x\n"}});
  const Directory directory(files.path());
  Tables built(directory, Reading::built);
  const auto ask_built = [&](const std::string& pattern, const std::string& key) {
    return built.open(Cited(pattern, Where{"main.cf", 3}))->lookup(key);
  };
  const std::string domains = "hash:/etc/postfix/domains";
  EXPECT_EQ(ask_built(domains, "OLD.example").answer, Answer::yes);
  EXPECT_EQ(ask_built(domains, "new.example").answer, Answer::no);
  EXPECT_EQ(ask_built(domains, "gone.example").answer, Answer::unknown);  // its octets may be a deleted entry's
  EXPECT_EQ(ask_built(domains, "far.example").answer, Answer::no);
  EXPECT_EQ(built.not_built(), std::vector<std::string>{"domains.db lacks new.example, which domains:2 has"});
  const auto unbuilt = ask_built("lmdb:/etc/postfix/unbuilt", "a.example");
  EXPECT_TRUE(unbuilt.broken);
  EXPECT_EQ(unbuilt.why,
            "lmdb:/etc/postfix/unbuilt (main.cf:3) cannot be opened: there is no /etc/postfix/unbuilt.lmdb");
  EXPECT_EQ(ask_built("texthash:/etc/postfix/flat", "a.example").answer, Answer::yes);
  EXPECT_TRUE(ask_built("texthash:/etc/postfix/none", "a.example").broken);
  EXPECT_FALSE(ask_built("texthash:/etc/elsewhere", "a.example").broken);  // it may well be there
}

TEST_F(TablesTest, WhatCannotBeReadIsUnknownAndSaysWhy) {
  for (const std::string pattern : {"mysql:/etc/postfix/m.cf", "proxy:unix:passwd.byname", "hash:/etc/aliases",
                                    "hash:/etc/postfix/none", "hash:../../etc/passwd", "hash:/etc/postfix/../passwd",
                                    "hash:/etc/postfix/big", "regexp:/etc/postfix/bomb", "unionmap:x"}) {
    const auto found = ask(pattern, "aaa");
    EXPECT_EQ(found.answer, Answer::unknown) << pattern;
    EXPECT_FALSE(found.why.empty()) << pattern;
    EXPECT_FALSE(found.broken) << pattern;
  }
  EXPECT_TRUE(ask("inline:{a=REJECT two words}", "a").broken);
  EXPECT_TRUE(ask("2001:db8::/32", "a").broken);
}

TEST_F(TablesTest, InlineStaticAndCombinations) {
  EXPECT_EQ(value("inline:{a=1, {b = two words}}", "b"), "two words");
  EXPECT_EQ(value("static:{any thing}", "x"), "any thing");
  EXPECT_EQ(value("unionmap:{inline:{a=1},inline:{a=2,b=3}}", "a"), "1,2");
  EXPECT_EQ(value("pipemap:{inline:{a=b},inline:{b=c}}", "a"), "c");
  EXPECT_EQ(value("pipemap:{inline:{a=b},inline:{x=c}}", "a"), "no");
  EXPECT_EQ(value("unionmap:{inline:{a=1},mysql:x}", "a"), "unknown");
}

TEST_F(TablesTest, CidrTakesTheFirstThatHolds) {
  EXPECT_EQ(value("cidr:/etc/postfix/cidr", "10.1.200.9"), "inner");
  EXPECT_EQ(value("cidr:/etc/postfix/cidr", "192.0.2.1"), "outside");
  EXPECT_EQ(value("cidr:/etc/postfix/cidr", "10.1.2.3"), "rest");
  EXPECT_EQ(value("cidr:/etc/postfix/cidr", "host.example"), "no");
  EXPECT_EQ(value("cidr:{{192.0.2.0/24 REJECT no}}", "192.0.2.9"), "REJECT no");
}

TEST_F(TablesTest, RegularExpressions) {
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "AA@x.example"), "x.example-AA");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "b@x"), "no");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "B@x"), "case");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "bare"), "bare");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "c@far"), "far");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", "c@near"), "no");
  EXPECT_EQ(value("pcre:/etc/postfix/pcre", "12@x"), "digits");
  EXPECT_EQ(value("pcre:/etc/postfix/pcre", "x@x"), "unknown");
  EXPECT_EQ(value("regexp:/etc/postfix/regexp", std::string(5000, 'a')), "unknown");
}

TEST_F(TablesTest, ListsTakeTheFirstElementThatMatches) {
  const auto domains = list("!sub.x.example, x.example, .y.example, hash:/etc/postfix/hash");
  EXPECT_EQ(domains.match_domain("x.example", Parents::match).answer, Answer::yes);
  EXPECT_EQ(domains.match_domain("other.x.example", Parents::match).pattern, "x.example");
  EXPECT_EQ(domains.match_domain("sub.x.example", Parents::match).answer, Answer::no);
  EXPECT_EQ(domains.match_domain("sub.x.example", Parents::match).pattern, "!sub.x.example");
  EXPECT_EQ(domains.match_domain("a.y.example", Parents::match).answer, Answer::no);
  EXPECT_EQ(domains.match_domain("a.y.example", Parents::dotted).answer, Answer::yes);
  EXPECT_EQ(domains.match_domain("a.x.example", Parents::dotted).answer, Answer::no);
  EXPECT_EQ(domains.match_domain("deep.key.example", Parents::match).where.to_string(), "hash:1");
  EXPECT_EQ(domains.match_string("deep.key.example").answer, Answer::no);
}

TEST_F(TablesTest, ListsReadFilesAndStopAtComments) {
  const auto nets = list("/etc/postfix/nets, 10.0.0.0/8 # 192.0.2.0/24");
  const auto in = [&](const char* address) {
    return nets.match_client(*IpAddress::parse(address), "unknown", Parents::match);
  };
  EXPECT_EQ(in("10.1.2.3").where.to_string(), "nets:1");
  EXPECT_EQ(in("10.2.2.3").answer, Answer::no);
  EXPECT_EQ(in("10.9.2.3").where.to_string(), "main.cf:7");
  EXPECT_EQ(in("192.0.2.1").answer, Answer::no);
  EXPECT_EQ(list("/etc/postfix/loop").match_string("x").answer, Answer::unknown);
}

TEST_F(TablesTest, WhatIsUnknownCountsOnlyWhereItMakesADifference) {
  EXPECT_EQ(list("mysql:a, x.example").match_string("x.example").answer, Answer::yes);
  EXPECT_EQ(list("mysql:a, x.example").match_string("y.example").answer, Answer::unknown);
  EXPECT_EQ(list("!mysql:a, x.example").match_string("x.example").answer, Answer::unknown);
  EXPECT_EQ(list("!mysql:a, x.example").match_string("y.example").answer, Answer::no);
}

TEST_F(TablesTest, NetworksThatPostfixCannotReadStopTheList) {
  const auto match = list("127.0.0.0/8, 10.1.2.3/16, 192.0.2.0/24")
                         .match_client(*IpAddress::parse("192.0.2.1"), "unknown", Parents::match);
  EXPECT_EQ(match.answer, Answer::unknown);
  EXPECT_TRUE(match.broken);
  const auto other =
      list("10.1.2.3/16, [2001:db8::]/32").match_client(*IpAddress::parse("2001:db8::1"), "unknown", Parents::match);
  EXPECT_EQ(other.answer, Answer::yes);
  const auto named = list("partner.example").match_client(*IpAddress::parse("192.0.2.1"), std::nullopt, Parents::match);
  EXPECT_EQ(named.answer, Answer::unknown);
}

}  // namespace
}  // namespace smtpdx::mta::postfix
