// SPDX-License-Identifier: Apache-2.0
#include "dmarc/record.hpp"

#include <gtest/gtest.h>

#include "dmarc/words.hpp"

namespace smtpdx::dmarc {
namespace {

/// "kind tag: the octets at fault", one a flaw.
std::vector<std::string> flaws(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& flaw : parse_record(text).flaws)
    out.push_back(std::string(to_string(flaw.kind)) + " " + flaw.tag + ": " +
                  std::string(text.substr(flaw.offset, flaw.length)));
  return out;
}

using List = std::vector<std::string>;

TEST(DmarcRecord, BeginsWithItsVersion) {
  for (const char* text : {"v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "V=DMARC1;p=none", "v=DMARC1\t;p=none"})
    EXPECT_TRUE(is_record(text)) << text;
  for (const char* text : {"", "v=", "v=dmarc1; p=none", "v=DMARC1 p=none", " v=DMARC1; p=none", "v=DMARC11; p=none",
                           "p=none; v=DMARC1", "v=spf1 -all", "vv=DMARC1"})
    EXPECT_FALSE(is_record(text)) << text;
  for (const char* text :
       {"v=dmarc1; p=none", "v=DMARC1 p=none", " v=DMARC1; p=none", "\"v=DMARC1; p=none\"", "p=none", "DMARC1; p=none"})
    EXPECT_TRUE(is_near_record(text)) << text;
  for (const char* text : {"", "v=DMARC1; p=none", "v=spf1 -all", "some text"})
    EXPECT_FALSE(is_near_record(text)) << text;
}

TEST(DmarcRecord, AllTags) {
  const auto record = parse_record(
      "v=DMARC1; p=quarantine; sp=reject; np=none; adkim=s; aspf=R; psd=n; t=y; pct=7; fo=1:d; rf=afrf; ri=86400;"
      " rua=mailto:a@example.org!10m , https://example.org/r; ruf=mailto:b@example.org?subject=x");
  EXPECT_EQ(record.p.value, Policy::quarantine);
  EXPECT_EQ(record.sp.value, Policy::reject);
  EXPECT_EQ(record.np.value, Policy::none);
  EXPECT_EQ(record.adkim, Mode::strict);
  EXPECT_EQ(record.aspf, Mode::relaxed);
  EXPECT_EQ(record.psd, Psd::no);
  EXPECT_TRUE(record.test);
  EXPECT_EQ(record.pct, 7u);
  EXPECT_EQ(record.fo, "1:d");
  EXPECT_EQ(record.rua, (List{"mailto:a@example.org", "https://example.org/r"}));
  EXPECT_EQ(record.ruf, List{"mailto:b@example.org?subject=x"});
}

TEST(DmarcRecord, FlawsWithTheirPlaces) {
  EXPECT_EQ(flaws("v=DMARC1; p=none"), List{});
  EXPECT_EQ(flaws("v=DMARC1; rua=mailto:a@example.org; p=none"), List{"p-not-second p: p=none"});
  EXPECT_EQ(flaws("v=DMARC1; p=none; p=reject"), List{"repeated-tag p: p=reject"});
  EXPECT_EQ(flaws("v=DMARC1; p=none; v=DMARC1"), List{"repeated-tag v: v=DMARC1"});
  EXPECT_EQ(flaws("v=DMARC1; p=none; foo; =x; bar=1"),
            (List{"bad-tag : foo", "bad-tag : =x", "unknown-tag bar: bar=1"}));
  EXPECT_EQ(flaws("v=DMARC1; p=none; rua=a@example.org, mailto:, mailto:b@example.org"),
            (List{"bad-uri rua: a@example.org", "bad-uri rua: mailto:"}));
  EXPECT_EQ(flaws("v=DMARC1; p=none; rua="), List{"bad-uri rua: "});
  EXPECT_EQ(flaws("v=DMARC1; p=none; rua=mailto:a@example.org!10m"), List{"size-limit rua: !10m"});
  EXPECT_EQ(flaws("v=DMARC1; p=none; pct=50; t=y"), (List{"removed-tag pct: pct=50", "newer-tag t: t=y"}));
  EXPECT_EQ(flaws("v=DMARC1; p=none; fo=2"), List{"bad-value fo: fo=2"});
  EXPECT_EQ(flaws("v=DMARC1; aspf=s"), List{"p-missing p: v=DMARC1"});
  EXPECT_EQ(flaws("v=DMARC1; p=\xc3\xa9"), List{"bad-value p: p=\xc3\xa9"});
}

TEST(DmarcRecord, WhatEachStandardMakesOfIt) {
  const auto np = parse_record("v=DMARC1; p=reject; np=block");
  EXPECT_EQ(effective(np, Profile::rfc7489).use, Effective::Use::whole);
  EXPECT_EQ(effective(np, Profile::rfc9989).use, Effective::Use::unusable);
  const auto bare = parse_record("v=DMARC1");
  EXPECT_EQ(effective(bare, Profile::rfc7489).use, Effective::Use::unusable);
  EXPECT_EQ(effective(bare, Profile::rfc9989).use, Effective::Use::whole);
  const auto reports = parse_record("v=DMARC1; p=x; sp=reject; rua=mailto:a@example.org");
  EXPECT_EQ(effective(reports, Profile::rfc9989).use, Effective::Use::none_for_reports);
  EXPECT_EQ(effective(reports, Profile::rfc9989).sp, std::nullopt);
}

}  // namespace
}  // namespace smtpdx::dmarc
