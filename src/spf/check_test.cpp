// SPDX-License-Identifier: Apache-2.0
#include "spf/check.hpp"

#include <gtest/gtest.h>

#include "dns/test_zone.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"
#include "spf/words.hpp"

namespace smtpdx::spf {
namespace {

class SpfCheck : public testing::Test {
 protected:
  Outcome ask(Question question) {
    question.helo = question.helo.empty() ? "mail.example.net" : question.helo;
    return io::run(*runtime_, check(zone_, std::move(question), runtime_->deadline_in(5s)));
  }
  Outcome ask(std::string_view ip, std::string sender = "alice@example.org") {
    Question question;
    question.client = *IpAddress::parse(ip);
    question.sender = std::move(sender);
    return ask(std::move(question));
  }
  void zone(const std::vector<std::string_view>& lines) { zone_ = dns::TestZone(lines); }
  void record(std::string text) { zone({"example.org TXT " + text}); }
  void zone(std::initializer_list<std::string> lines) {
    zone(std::vector<std::string_view>(lines.begin(), lines.end()));
  }

  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime(std::nullopt);
  dns::TestZone zone_;
};

const Step& decisive(const Outcome& o) { return o.steps.at(o.decided_step); }

TEST_F(SpfCheck, SaysWhichTermDecided) {
  zone({"example.org TXT v=spf1 ip4:192.0.2.0/28 mx -all", "example.org MX 10 mx.example.org",
        "mx.example.org A 198.51.100.5"});
  const auto outcome = ask("198.51.100.5");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.reason, Reason::matched);
  EXPECT_EQ(outcome.lookups, 1u);
  EXPECT_EQ(decisive(outcome).where, (Span{24, 2}));
  EXPECT_EQ(decisive(outcome).hit, "198.51.100.5");
  ASSERT_EQ(outcome.steps.size(), 3u);
  EXPECT_EQ(outcome.steps[0].reason, Reason::outside);
  EXPECT_EQ(outcome.steps[2].match, Match::not_reached);
  EXPECT_EQ(why(outcome),
            "\"mx\" at octet 24 of the record of example.org: a mail host of example.org has the address "
            "198.51.100.5");
  EXPECT_EQ(headline(outcome), "example.org permits 198.51.100.5 to send as alice@example.org");
}

TEST_F(SpfCheck, QualifiersAndTheEndOfARecord) {
  for (const auto& [text, result] : {std::pair{"v=spf1 -all", Result::fail},
                                     {"v=spf1 ~all", Result::softfail},
                                     {"v=spf1 ?all", Result::neutral},
                                     {"v=spf1 +all", Result::pass},
                                     {"v=spf1", Result::neutral},
                                     {"v=spf1 ip4:192.0.2.9", Result::neutral}}) {
    record(text);
    EXPECT_EQ(ask("192.0.2.1").result, result) << text;
  }
  record("v=spf1");
  EXPECT_EQ(ask("192.0.2.1").reason, Reason::nothing_matched);
}

TEST_F(SpfCheck, NoRecordIsNotNoAnswer) {
  zone({"example.org TXT something else", "example.org TXT v=spf1; -all"});
  auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::none);
  EXPECT_EQ(outcome.reason, Reason::no_record);
  EXPECT_EQ(outcome.policies[0].near, std::vector<std::string>{"v=spf1; -all"});
  EXPECT_NE(why(outcome).find("begins with"), std::string::npos);
  zone({"example.org FAIL"});
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::temperror);
  EXPECT_EQ(outcome.reason, Reason::dns_failed);
  zone({"example.org SILENT"});
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.reason, Reason::dns_timed_out);
  EXPECT_EQ(why(outcome), "the TXT query for example.org got no answer");
  zone({"example.org TXT v=spf1 -all", "example.org TXT V=SPF1 +all"});
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::several_records);
}

TEST_F(SpfCheck, IdentitiesThatHaveNoDomain) {
  for (const char* sender : {"a@localhost", "a@[192.0.2.1]", "a@x..org", "a@b\xc3\xa4r.example"}) {
    const auto outcome = ask("192.0.2.1", sender);
    EXPECT_EQ(outcome.result, Result::none) << sender;
    EXPECT_EQ(outcome.reason, Reason::no_domain) << sender;
    EXPECT_TRUE(outcome.policies.empty()) << sender;
  }
  EXPECT_EQ(ask("192.0.2.1", "a@" + std::string(64, 'x') + ".org").reason, Reason::no_domain);
}

TEST_F(SpfCheck, SendersInAllTheirSpellings) {
  zone({"example.org TXT v=spf1 -all exp=e.example.org", "e.example.org TXT %{s}",
        "mail.example.net TXT v=spf1 -all exp=e.example.org"});
  EXPECT_EQ(ask("192.0.2.1", "<alice@example.org>").explanation, "alice@example.org");
  EXPECT_EQ(ask("192.0.2.1", "example.org").explanation, "postmaster@example.org");
  EXPECT_EQ(ask("192.0.2.1", "@example.org.").explanation, "postmaster@example.org");
  EXPECT_EQ(ask("192.0.2.1", "<@a.example,@b.example:alice@example.org>").explanation, "alice@example.org");
  EXPECT_EQ(ask("192.0.2.1", "<>").explanation, "postmaster@mail.example.net");
  EXPECT_EQ(ask("192.0.2.1", "").identity, Identity::helo);
  Question helo;
  helo.client = *IpAddress::parse("192.0.2.1");
  helo.sender = "alice@example.org";
  helo.identity = Identity::helo;
  EXPECT_EQ(ask(helo).domain, "mail.example.net");
}

TEST_F(SpfCheck, MappedClientsAreIpv4) {
  record("v=spf1 ip6:::ffff:192.0.2.1 ip4:192.0.2.1 -all");
  const auto outcome = ask("::ffff:192.0.2.1");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.client, "192.0.2.1");
  EXPECT_EQ(outcome.steps[0].reason, Reason::other_family);
}

TEST_F(SpfCheck, PrefixesOfBothFamilies) {
  zone({"example.org TXT v=spf1 a/24//64 -all", "example.org A 192.0.2.1", "example.org AAAA 2001:db8:0:1::1"});
  EXPECT_EQ(ask("192.0.2.200").result, Result::pass);
  EXPECT_EQ(ask("192.0.3.1").result, Result::fail);
  EXPECT_EQ(ask("2001:db8:0:1:ffff::1").result, Result::pass);
  EXPECT_EQ(ask("2001:db8:0:2::1").result, Result::fail);
}

TEST_F(SpfCheck, IncludesPassOnlyWhatPasses) {
  zone({"example.org TXT v=spf1 include:a.example.org ~all", "a.example.org TXT v=spf1 ip4:192.0.2.1 -all"});
  EXPECT_EQ(ask("192.0.2.1").result, Result::pass);
  auto outcome = ask("192.0.2.2");
  EXPECT_EQ(outcome.result, Result::softfail);
  EXPECT_EQ(outcome.steps[0].reason, Reason::included_did_not_pass);
  EXPECT_EQ(outcome.policies.at(outcome.steps[0].inner).result, Result::fail);
  EXPECT_EQ(outcome.policies[1].depth, 1u);
  zone({"example.org TXT v=spf1 include:gone.example.org +all"});
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::include_without_record);
  zone({"example.org TXT v=spf1 include:a.example.org +all", "a.example.org TXT v=spf1 ip4:1.2.3"});
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::syntax);
  EXPECT_EQ(outcome.policies.at(outcome.decided_policy).domain, "a.example.org");
  EXPECT_EQ(why(outcome), "\"1.2.3\" is no IPv4 address, at octet 11 of the record of a.example.org");
}

TEST_F(SpfCheck, RedirectHoldsOnlyWhereNothingMatched) {
  zone({"example.org TXT v=spf1 redirect=b.example.org ip4:192.0.2.1 exp=x.example.org",
        "b.example.org TXT v=spf1 a -all", "b.example.org A 192.0.2.2", "x.example.org TXT never said"});
  auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.lookups, 0u);
  outcome = ask("192.0.2.2");
  EXPECT_EQ(outcome.result, Result::pass);
  EXPECT_EQ(outcome.lookups, 2u);
  EXPECT_EQ(decisive(outcome).policy, 1u);
  outcome = ask("192.0.2.3");
  EXPECT_EQ(outcome.result, Result::fail);
  EXPECT_EQ(outcome.explanation, "");
  record("v=spf1 redirect=gone.example.org");
  outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::redirect_without_record);
}

TEST_F(SpfCheck, TenTermsAskAndNoMore) {
  zone({"example.org TXT v=spf1 a a a a a a a a a a ip4:192.0.2.9 -all", "example.org A 192.0.2.1"});
  EXPECT_EQ(ask("192.0.2.9").result, Result::pass);
  EXPECT_EQ(ask("192.0.2.9").lookups, 10u);
  zone({"example.org TXT v=spf1 a a a a a a a a a a a ip4:192.0.2.9 -all", "example.org A 192.0.2.1"});
  const auto outcome = ask("192.0.2.9");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::too_many_lookups);
  EXPECT_EQ(outcome.lookups, 11u);
  EXPECT_EQ(outcome.decided_step, 10u);
}

TEST_F(SpfCheck, ALoopIsCalledOne) {
  zone({"example.org TXT v=spf1 include:b.example.org -all", "b.example.org TXT v=spf1 include:example.org -all"});
  const auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.reason, Reason::too_many_lookups);
  EXPECT_NE(why(outcome).find("leads back to itself (example.org > b.example.org > example.org)"), std::string::npos)
      << why(outcome);
}

TEST_F(SpfCheck, LookupsOfEachSubtree) {
  zone({"example.org TXT v=spf1 include:b.example.org a -all",
        "b.example.org TXT v=spf1 a a include:c.example.org -all", "c.example.org TXT v=spf1 mx -all",
        "b.example.org A 192.0.2.7", "c.example.org MX 1 b.example.org", "example.org A 192.0.2.8"});
  const auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.lookups, 6u);
  ASSERT_EQ(outcome.policies.size(), 3u);
  EXPECT_EQ(outcome.policies[0].lookups, 6u);
  EXPECT_EQ(outcome.policies[1].lookups, 4u);
  EXPECT_EQ(outcome.policies[2].lookups, 1u);
}

TEST_F(SpfCheck, ThirdVoidLookupEndsIt) {
  record("v=spf1 a:x.example.org exists:y.example.org ~all");
  EXPECT_EQ(ask("192.0.2.1").result, Result::softfail);
  EXPECT_EQ(ask("192.0.2.1").void_lookups, 2u);
  record("v=spf1 a:x.example.org exists:y.example.org mx:z.example.org ~all");
  const auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::permerror);
  EXPECT_EQ(outcome.reason, Reason::too_many_voids);
  EXPECT_EQ(outcome.void_lookups, 3u);
  EXPECT_TRUE(decisive(outcome).looked.front().is_void);
}

TEST_F(SpfCheck, WhatDoesNotCountAsVoid) {
  // exp, %{p}, the addresses of PTR names, and names that DNS cannot hold.
  zone({"example.org TXT v=spf1 a:x.example.org a:y.example.org a:z..example.org ptr -all exp=%{p}.gone.example.org",
        "1.2.0.192.in-addr.arpa PTR a.gone.example", "1.2.0.192.in-addr.arpa PTR b.gone.example"});
  const auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::fail);
  EXPECT_EQ(outcome.void_lookups, 2u);
  EXPECT_EQ(outcome.lookups, 4u);
  EXPECT_EQ(outcome.steps[2].reason, Reason::no_name);
  EXPECT_EQ(outcome.steps.back().reason, Reason::explanation_unusable);
}

TEST_F(SpfCheck, MxHostsByPreferenceAndAtMostTen) {
  zone({"example.org TXT v=spf1 mx -all", "example.org MX 20 broken.example.org", "example.org MX 10 good.example.org",
        "broken.example.org FAIL", "good.example.org A 192.0.2.1"});
  EXPECT_EQ(ask("192.0.2.1").result, Result::pass) << "the host behind the match is not looked at";
  EXPECT_EQ(ask("192.0.2.2").result, Result::temperror);
  std::vector<std::string> lines{"example.org TXT v=spf1 mx -all", "h.example.org A 192.0.2.1"};
  for (int i = 0; i < 11; ++i) lines.push_back("example.org MX " + std::to_string(i) + " h.example.org");
  zone(std::vector<std::string_view>(lines.begin(), lines.end()));
  EXPECT_EQ(ask("192.0.2.1").reason, Reason::too_many_mx);
  zone({"example.org TXT v=spf1 mx ?all", "example.org MX 0 ."});
  const auto null_mx = ask("192.0.2.1");
  EXPECT_EQ(null_mx.result, Result::neutral);
  EXPECT_EQ(null_mx.void_lookups, 0u);
}

TEST_F(SpfCheck, PtrNamesMustLeadBack) {
  zone({"example.org TXT v=spf1 ptr -all", "1.2.0.192.in-addr.arpa PTR liar.example.org",
        "1.2.0.192.in-addr.arpa PTR host.example.org", "liar.example.org A 192.0.2.99", "host.example.org A 192.0.2.1",
        "2.2.0.192.in-addr.arpa PTR liar.example.org", "3.2.0.192.in-addr.arpa PTR other.example.com",
        "other.example.com A 192.0.2.3", "4.2.0.192.in-addr.arpa FAIL"});
  const auto pass = ask("192.0.2.1");
  EXPECT_EQ(pass.result, Result::pass);
  EXPECT_EQ(decisive(pass).hit, "host.example.org");
  EXPECT_EQ(ask("192.0.2.2").steps[0].reason, Reason::names_not_confirmed);
  EXPECT_EQ(ask("192.0.2.3").steps[0].reason, Reason::confirmed_elsewhere);
  EXPECT_EQ(ask("192.0.2.4").result, Result::fail) << "a failing PTR query is no temperror (RFC 7208 §5.5)";
  EXPECT_EQ(ask("192.0.2.5").void_lookups, 1u);
}

TEST_F(SpfCheck, AskedForOnceAndNoTypeBeside) {
  zone({"example.org TXT v=spf1 ptr exists:%{p}.a.example.org ptr:b.example -all",
        "1.2.0.192.in-addr.arpa PTR host.example.com", "host.example.com A 192.0.2.1"});
  ask("192.0.2.1");
  const std::vector<std::string> expected{"example.org TXT", "1.2.0.192.in-addr.arpa PTR", "host.example.com A",
                                          "host.example.com.a.example.org A"};
  EXPECT_EQ(zone_.asked(), expected);
}

TEST_F(SpfCheck, ExplanationsOnlyWhereTheyAreWhole) {
  const std::string head = "example.org TXT v=spf1 -all exp=e.example.org";
  zone({head, "e.example.org TXT %{i} may not send for %{o}, says %{r}"});
  EXPECT_EQ(ask("192.0.2.1").explanation, "192.0.2.1 may not send for example.org, says unknown");
  zone({head, "e.example.org TXT a", "e.example.org TXT b"});
  EXPECT_EQ(ask("192.0.2.1").explanation, "");
  zone({head, "e.example.org TXT caf\xc3\xa9"});
  EXPECT_EQ(ask("192.0.2.1").explanation, "");
  zone({head, "e.example.org TXT 100%"});
  EXPECT_EQ(ask("192.0.2.1").explanation, "");
  zone({head, "e.example.org FAIL"});
  EXPECT_EQ(ask("192.0.2.1").result, Result::fail);
}

TEST_F(SpfCheck, AMissingHeloIsSaid) {
  zone({"example.org TXT v=spf1 exists:%{h}.allowed.example.org -all"});
  Question question;
  question.client = *IpAddress::parse("192.0.2.1");
  question.sender = "alice@example.org";
  const auto outcome = io::run(*runtime_, check(zone_, question, runtime_->deadline_in(5s)));
  EXPECT_TRUE(outcome.helo_missing);
  EXPECT_EQ(outcome.steps[0].target, "unknown.allowed.example.org");
  EXPECT_FALSE(ask("192.0.2.1").helo_missing);
}

TEST_F(SpfCheck, BackslashesOfARecordAreOctets) {
  zone({"example.org TXT v=spf1 exists:a\\b.example.org -all"});
  ask("192.0.2.1");
  EXPECT_EQ(zone_.asked().back(), "a\\\\b.example.org A");
}

TEST_F(SpfCheck, EveryStepHasAReasonInWords) {
  zone(
      {"example.org TXT v=spf1 ip4:192.0.2.9 ip6:2001:db8::1 a:x.example.org mx:y.example.org ptr foo=bar "
       "exists:%{i}.z.example.org include:b.example.org ~all redirect=c.example.org exp=d.example.org",
       "x.example.org A 192.0.2.8", "y.example.org MX 1 x.example.org", "b.example.org TXT v=spf1 ?all"});
  const auto outcome = ask("192.0.2.1");
  EXPECT_EQ(outcome.result, Result::softfail);
  for (const auto& step : outcome.steps) {
    EXPECT_GT(why(outcome, step).size(), 8u) << to_string(step.reason);
    EXPECT_NE(section_of(step.reason), nullptr);
  }
  EXPECT_FALSE(advice(outcome).empty());
  EXPECT_EQ(whose_job(outcome), "whoever runs the DNS of example.org");
}

}  // namespace
}  // namespace smtpdx::spf
