// SPDX-License-Identifier: Apache-2.0
#include "spf/record.hpp"

#include <gtest/gtest.h>

#include <string>

namespace smtpdx::spf {
namespace {

Record good(std::string_view text) {
  auto record = parse_record(text);
  EXPECT_TRUE(record) << text;
  return record.value_or(Record{});
}

/// "kind: the octets at fault".
std::string flaw(std::string_view text) {
  const auto record = parse_record(text);
  if (record) return "none";
  return std::string(to_string(record.error().kind)) + ": " + std::string(record.error().where.of(text));
}

TEST(SpfRecord, BeginsWithItsVersionAndASpace) {
  EXPECT_TRUE(is_policy("v=spf1"));
  EXPECT_TRUE(is_policy("V=SPF1 -all"));
  for (const char* text : {"v=spf10", "v=spf1\t-all", " v=spf1 -all", "spf2.0/pra -all", ""})
    EXPECT_FALSE(is_policy(text)) << text;
  for (const char* text : {"v=spf10", " v=spf1 -all", "\"v=spf1 -all\"", "v=spf1;-all", "spf1 -all", "v:spf1 -all"})
    EXPECT_TRUE(is_near_policy(text)) << text;
  for (const char* text : {"v=spf1 -all", "v=DKIM1; p=", "google-site-verification=x", "", "   "})
    EXPECT_FALSE(is_near_policy(text)) << text;
}

TEST(SpfRecord, TermsWithTheirPlaces) {
  const std::string_view text =
      "v=spf1 mx/24//64  -a:host.example.org/28 ?include:b.example x.y=%{d} ~all exp=e.example ";
  const auto record = good(text);
  ASSERT_EQ(record.terms.size(), 6u);
  const auto& mx = record.terms[0];
  EXPECT_EQ(mx.kind, TermKind::mx);
  EXPECT_EQ(mx.where, (Span{7, 9}));
  EXPECT_EQ(mx.prefix4, 24u);
  EXPECT_EQ(mx.prefix6, 64u);
  EXPECT_EQ(mx.domain.length, 0u);
  const auto& a = record.terms[1];
  EXPECT_EQ(a.qualifier, Qualifier::fail);
  EXPECT_EQ(a.domain.of(text), "host.example.org");
  EXPECT_EQ(a.prefix4, 28u);
  EXPECT_EQ(a.prefix6, 128u);
  EXPECT_EQ(record.terms[2].qualifier, Qualifier::neutral);
  EXPECT_EQ(record.terms[3].kind, TermKind::unknown_modifier);
  EXPECT_EQ(record.terms[4].kind, TermKind::all);
  EXPECT_EQ(record.exp, 5u);
  EXPECT_EQ(record.redirect, std::nullopt);
}

TEST(SpfRecord, OneFlawAnywhereIsFound) {
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1 -all ipv4:192.0.2.2"), "unknown-mechanism: ipv4");
  EXPECT_EQ(flaw("v=spf1 redirect:example.org"), "unknown-mechanism: redirect");
  EXPECT_EQ(flaw("v=spf1 a.b:c=d"), "unknown-mechanism: a.b");
  EXPECT_EQ(flaw("v=spf1 =all"), "bad-modifier-name: =all");
  EXPECT_EQ(flaw("v=spf1 -exp=example.org"), "bad-modifier-name: -exp");
  EXPECT_EQ(flaw("v=spf1 all:x"), "unexpected-argument: :x");
  EXPECT_EQ(flaw("v=spf1 ptr/24"), "unexpected-argument: /24");
  EXPECT_EQ(flaw("v=spf1 include -all"), "missing-argument: include");
  EXPECT_EQ(flaw("v=spf1 a: -all"), "missing-argument: a:");
  EXPECT_EQ(flaw("v=spf1 exp= -all"), "missing-argument: exp=");
  EXPECT_EQ(flaw("v=spf1 redirect=a.example redirect=b.example"), "repeated-modifier: redirect=b.example");
  EXPECT_EQ(flaw("v=spf1 EXP=a.example exp=b.example"), "repeated-modifier: exp=b.example");
}

TEST(SpfRecord, DomainsEndInALabelOrAMacro) {
  EXPECT_EQ(flaw("v=spf1 a:museum"), "bad-domain: museum");
  EXPECT_EQ(flaw("v=spf1 a:museum."), "bad-domain: museum.");
  EXPECT_EQ(flaw("v=spf1 a:example.123"), "bad-domain: example.123");
  EXPECT_EQ(flaw("v=spf1 a:example.-com"), "bad-domain: example.-com");
  EXPECT_EQ(flaw("v=spf1 a:example.com:25"), "bad-domain: example.com:25");
  EXPECT_EQ(flaw("v=spf1 a:%{d}com"), "bad-domain: %{d}com");
  EXPECT_EQ(flaw("v=spf1 include:example.com/24"), "bad-domain: example.com/24");
  EXPECT_EQ(flaw("v=spf1 a:192.0.2.1"), "address-as-domain: 192.0.2.1");
  for (const char* text : {"v=spf1 a:x.xn--zckzah", "v=spf1 a:x.1-2", "v=spf1 a:x.com.", "v=spf1 a:%{d}", "v=spf1 a:%%",
                           "v=spf1 a:%{d}.com", "v=spf1 exists:a:b/c.com", "v=spf1 a:x..com"})
    EXPECT_EQ(flaw(text), "none") << text;
}

TEST(SpfRecord, Macros) {
  EXPECT_EQ(flaw("v=spf1 exists:%{x}.example.org"), "bad-macro: %{x}");
  EXPECT_EQ(flaw("v=spf1 exists:%(i).example.org"), "bad-macro: %(");
  EXPECT_EQ(flaw("v=spf1 exists:%{d0}.example.org"), "bad-macro: %{d0}");
  EXPECT_EQ(flaw("v=spf1 exists:%{d"), "bad-macro: %{d");
  EXPECT_EQ(flaw("v=spf1 -all foo=%"), "bad-macro: %");
  EXPECT_EQ(flaw("v=spf1 -all exp=%{R}.example.org"), "explanation-macro: %{R}");
  EXPECT_EQ(flaw("v=spf1 exists:%{l2r+-}.%{DR}.%{i99999999999999999999}"), "none");
}

TEST(SpfRecord, AddressesAndPrefixes) {
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2"), "bad-address: 192.0.2");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.01"), "bad-address: 192.0.2.01");
  EXPECT_EQ(flaw("v=spf1 ip4:2001:db8::1"), "bad-address: 2001:db8::1");
  EXPECT_EQ(flaw("v=spf1 ip4:%{i}"), "bad-address: %{i}");
  EXPECT_EQ(flaw("v=spf1 ip6:192.0.2.1"), "bad-address: 192.0.2.1");
  EXPECT_EQ(flaw("v=spf1 ip6:[2001:db8::1]"), "bad-address: [2001:db8::1]");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1/33"), "bad-prefix: /33");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1/024"), "bad-prefix: /024");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1/"), "bad-prefix: /");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1//24"), "bad-prefix: //24");
  EXPECT_EQ(flaw("v=spf1 ip6:2001:db8::/129"), "bad-prefix: /129");
  EXPECT_EQ(flaw("v=spf1 a/33"), "bad-prefix: 33");
  EXPECT_EQ(flaw("v=spf1 a//129"), "bad-prefix: 129");
  EXPECT_EQ(flaw("v=spf1 a/24/64"), "bad-prefix: 64");
  EXPECT_EQ(flaw("v=spf1 a/24//"), "bad-prefix: /24//");
  EXPECT_EQ(flaw("v=spf1 ip4:192.0.2.1/0 ip6:2001:DB8::/32 a/0//0 mx//128"), "none");
}

TEST(SpfRecord, OnlySpacesPartTermsAndOnlyAsciiIsInThem) {
  EXPECT_EQ(flaw("v=spf1 a:x.example\tb"), "not-ascii: \t");
  EXPECT_EQ(flaw("v=spf1 \x80"
                 "a -all"),
            "not-ascii: \x80");
  EXPECT_EQ(flaw(std::string_view("v=spf1 a:x.example\0", 19)), std::string("not-ascii: \0", 12));
  EXPECT_EQ(flaw("v=spf1    -all   "), "none");
  EXPECT_TRUE(good("v=spf1 ").terms.empty());
}

}  // namespace
}  // namespace smtpdx::spf
