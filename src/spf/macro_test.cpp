// SPDX-License-Identifier: Apache-2.0
#include "spf/macro.hpp"

#include <gtest/gtest.h>

namespace smtpdx::spf {
namespace {

MacroValues values() {
  MacroValues v;
  v.sender = "strong-bad@email.example.com";
  v.local_part = "strong-bad";
  v.sender_domain = "email.example.com";
  v.domain = "email.example.com";
  v.client = *IpAddress::parse("192.0.2.3");
  v.validated = "mx.example.org";
  v.helo = "mail.example.net";
  v.receiver = "mx.receiver.example";
  v.seconds = 1'700'000'000;
  return v;
}

/// The examples of RFC 7208 §7.4.
TEST(SpfMacro, ExamplesOfTheRfc) {
  const auto v = values();
  const std::pair<const char*, const char*> table[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(expand_domain(text, v), expected) << text;
}

TEST(SpfMacro, Ipv6IsDottedNibbles) {
  auto v = values();
  v.client = *IpAddress::parse("2001:db8::cb01");
  EXPECT_EQ(expand_domain("%{ir}.%{v}._spf.%{d2}", v),
            "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com");
  EXPECT_EQ(expand_macros("%{c}", v), "2001:db8::cb01");
}

TEST(SpfMacro, TheRestOfTheLetters) {
  const auto v = values();
  EXPECT_EQ(expand_macros("%{p} %{h} %{r} %{t} %{c}", v),
            "mx.example.org mail.example.net mx.receiver.example 1700000000 192.0.2.3");
  EXPECT_EQ(expand_macros("a%%b%_c%-d", v), "a%b c%20d");
  EXPECT_EQ(expand_macros("%{S}", v), "strong-bad%40email.example.com");
  EXPECT_EQ(expand_macros("%{H2R}", v), "example.mail");
  EXPECT_EQ(expand_macros("%{d999}", v), "email.example.com");
  EXPECT_EQ(expand_macros("no macro 100%", v), "no macro 100%");
}

TEST(SpfMacro, NamesAreCutFromTheLeftAtALabel) {
  auto v = values();
  const std::string label(60, 'x');
  const std::string five = label + "." + label + "." + label + "." + label + "." + label;  // 304 octets
  v.domain = five;
  EXPECT_EQ(expand_domain("%{d}.example", v), label + "." + label + "." + label + "." + label.substr(0) + ".example");
  const auto name = expand_domain("y.%{d}", v);
  EXPECT_EQ(name, label + "." + label + "." + label + "." + label);
  EXPECT_EQ(expand_domain(std::string(300, 'z'), v).size(), 300u) << "one label: nothing to cut at";
  EXPECT_EQ(expand_domain("example.org.", v), "example.org");
}

TEST(SpfMacro, FaultsWithTheirPlace) {
  const auto check = check_macros("ab%{d}%{q}", MacroUse::domain);
  EXPECT_EQ(check.fault, MacroFault::bad_macro);
  EXPECT_EQ(check.at, 6u);
  EXPECT_EQ(check.length, 4u);
  EXPECT_EQ(check_macros("%{t}", MacroUse::domain).fault, MacroFault::only_in_explanation);
  EXPECT_EQ(check_macros("%{t}", MacroUse::explanation).fault, MacroFault::none);
  EXPECT_EQ(check_macros("x%{d}.org", MacroUse::domain).tail, 5u);
  EXPECT_EQ(check_macros("50%", MacroUse::explanation).length, 1u);
  EXPECT_TRUE(uses_macro("a.%{P}.b", 'p'));
  EXPECT_FALSE(uses_macro("a.%%{p}.b", 'p'));
  EXPECT_FALSE(uses_macro("p%", 'p'));
}

}  // namespace
}  // namespace smtpdx::spf
