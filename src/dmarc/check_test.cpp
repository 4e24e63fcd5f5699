// SPDX-License-Identifier: Apache-2.0
#include "dmarc/check.hpp"

#include <gtest/gtest.h>

#include "dmarc/words.hpp"
#include "dns/test_zone.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"

namespace smtpdx::dmarc {
namespace {

class DmarcCheck : public testing::Test {
 protected:
  Outcome ask(Profile profile, std::string from, std::vector<Identifier> identifiers = {}) {
    const Question question{profile, std::move(from), std::move(identifiers)};
    return io::run(*runtime_, check(zone_, suffixes_, question, runtime_->deadline_in(5s)));
  }
  static Identifier passed(Mechanism mechanism, std::string domain) {
    return {mechanism, std::move(domain), Verdict::pass, ""};
  }

  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime(std::nullopt);
  PublicSuffixes suffixes_{SMTPDX_SOURCE_DIR "/tests/dmarc/suffixes.txt"};
  dns::TestZone zone_;
};

using List = std::vector<std::string>;

/// The example of RFC 9989 §4.10.
TEST_F(DmarcCheck, EightQueriesForThirteenLabels) {
  ask(Profile::rfc9989, "a.b.c.d.e.f.g.h.i.j.mail.example.com");
  const List expected{"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com TXT",
                      "_dmarc.g.h.i.j.mail.example.com TXT",
                      "_dmarc.h.i.j.mail.example.com TXT",
                      "_dmarc.i.j.mail.example.com TXT",
                      "_dmarc.j.mail.example.com TXT",
                      "_dmarc.mail.example.com TXT",
                      "_dmarc.example.com TXT",
                      "_dmarc.com TXT"};
  EXPECT_EQ(zone_.asked(), expected);
}

TEST_F(DmarcCheck, NoMoreIsAskedThanIsNeeded) {
  zone_ = dns::TestZone({"_dmarc.example.com TXT v=DMARC1; p=reject"});
  ask(Profile::rfc9989, "example.com", {passed(Mechanism::dkim, "example.com")});
  EXPECT_EQ(zone_.asked(), List{"_dmarc.example.com TXT"});
  zone_.forget();
  ask(Profile::rfc9989, "example.com", {{Mechanism::spf, "example.net", Verdict::fail, "softfail"}});
  EXPECT_EQ(zone_.asked(), List{"_dmarc.example.com TXT"});
  zone_.forget();
  ask(Profile::rfc9989, "example.com",
      {passed(Mechanism::dkim, "a.example.com"), passed(Mechanism::dkim, "example.net")});
  EXPECT_EQ(zone_.asked(), (List{"_dmarc.example.com TXT", "_dmarc.a.example.com TXT", "_dmarc.com TXT",
                                 "_dmarc.example.net TXT", "_dmarc.net TXT"}));
  zone_.forget();
  ask(Profile::rfc7489, "x.y.example.com", {passed(Mechanism::dkim, "example.net")});
  EXPECT_EQ(zone_.asked(), (List{"_dmarc.x.y.example.com TXT", "_dmarc.example.com TXT"}));
}

TEST_F(DmarcCheck, SaysWhyAndHow) {
  zone_ = dns::TestZone({"_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine"});
  const auto outcome = ask(Profile::rfc9989, "news.example.com",
                           {{Mechanism::spf, "bounce.example.net", Verdict::pass, ""},
                            {Mechanism::dkim, "news.example.com", Verdict::fail, "s=k1: body-changed"}});
  EXPECT_EQ(headline(outcome),
            "fail: nothing that passed SPF or DKIM is aligned with news.example.com, whose policy asks to quarantine");
  EXPECT_EQ(why(outcome),
            "SPF passed for bounce.example.net, of another organization (bounce.example.net) than "
            "news.example.com (example.com)");
  EXPECT_EQ(why(outcome, outcome.identifiers[1]),
            "DKIM failed for news.example.com (s=k1: body-changed), the author's own domain: it would be aligned");
  const auto lines = trace(outcome);
  EXPECT_NE(
      std::find(lines.begin(), lines.end(),
                "example.com is the organizational domain of news.example.com: the highest domain on its way that "
                "has a record"),
      lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "the policy is quarantine, by sp= of example.com"), lines.end());
}

TEST_F(DmarcCheck, DifferencesOfTheStandards) {
  zone_ = dns::TestZone({"_dmarc.hosting.org TXT v=DMARC1; p=reject; t=y"});
  const std::vector<Identifier> ids{passed(Mechanism::dkim, "two.hosting.org")};
  const auto lines =
      differences(ask(Profile::rfc7489, "one.hosting.org", ids), ask(Profile::rfc9989, "one.hosting.org", ids));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0], "result: none by RFC 7489, pass by RFC 9989");
  zone_ = dns::TestZone({"_dmarc.example.com TXT v=DMARC1; p=reject"});
  EXPECT_EQ(differences(ask(Profile::rfc7489, "example.com"), ask(Profile::rfc9989, "example.com")), List{});
}

TEST(DmarcSuffixes, TheSystemsListIsRead) {
  const PublicSuffixes system;
  EXPECT_EQ(system.organizational("A.b.Example.CO.UK."), "example.co.uk");
  EXPECT_EQ(system.organizational("co.uk"), "co.uk");
  EXPECT_TRUE(system.is_suffix("com"));
  EXPECT_FALSE(system.is_suffix("example.com"));
  const PublicSuffixes none("/nowhere");
  EXPECT_EQ(none.organizational("a.b.example.co.uk"), "co.uk") << "without a list the last label is the suffix";
}

}  // namespace
}  // namespace smtpdx::dmarc
