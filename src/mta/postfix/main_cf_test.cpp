// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/main_cf.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/parameters.hpp"

namespace smtpdx::mta::postfix {
namespace {

MainCf main_cf(const std::string& text) {
  auto parsed = MainCf::parse({"main.cf", text});
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : MainCf();
}

std::string value(const MainCf& main, const std::string& name) {
  return Parameters(main, nullptr).get(name).text.text();
}

TEST(MainCf, LastSettingWinsAndEveryWordKeepsItsLine) {
  const auto main = main_cf("a = one\n\n# a = two\nrelay_list = x,\n   # not this\n\n   y\n\tz\na=three\r\n");
  EXPECT_EQ(main.find("a")->value.text(), "three");
  EXPECT_EQ(main.find("a")->where.to_string(), "main.cf:9");
  const auto words = split_outside_braces(main.find("relay_list")->value, ",");
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0].where().line, 4u);
  EXPECT_EQ(words[1].where().line, 7u);
  EXPECT_EQ(words[2].where().line, 8u);
  EXPECT_EQ(main.settings().size(), 3u);
  EXPECT_EQ(main.find("b"), nullptr);
}

TEST(MainCf, LeadingContinuationIsDroppedAndCommentAtTheEndIsPartOfTheValue) {
  const auto main = main_cf("  stray = 1\na = b # c\n");
  EXPECT_EQ(main.find("stray"), nullptr);
  EXPECT_EQ(main.find("a")->value.text(), "b # c");
}

TEST(MainCf, BrokenLinesAreErrorsWithTheirPlace) {
  for (const auto& [text, place] : {std::pair<std::string, std::string>{"a = 1\nmynetworks 10.0.0.0/8\n", "main.cf:2"},
                                    {"= 1\n", "main.cf:1"},
                                    {"a b = 1\n", "main.cf:1"}}) {
    const auto parsed = MainCf::parse({"main.cf", text});
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
    EXPECT_TRUE(parsed.error().message.starts_with(place)) << parsed.error().message;
  }
}

TEST(Expand, NamesConditionsAndComparisons) {
  const auto main = main_cf(
      "set = 1\nempty =\nname = x.example\n"
      "plain = $name ${name} $(name) $$name\n"
      "if_set = ${set?yes}${empty?no}${missing?no}\n"
      "if_not = ${set:no}${empty:yes}${missing:also}\n"
      "both = ${set?{a}:{b}} ${empty ? {a} : {b}}\n"
      "nested = ${empty?{x}:{${set?{in}:{out}}}}\n"
      "numbers = ${{9} < {10} ? {less} : {more}}\n"
      "words = ${{$name} == {x.example} ? {same}}\n"
      "levels = ${{3.10} >=level {3.6} ? {new} : {old}}\n");
  EXPECT_EQ(value(main, "plain"), "x.example x.example x.example $name");
  EXPECT_EQ(value(main, "if_set"), "yes");
  EXPECT_EQ(value(main, "if_not"), "yesalso");
  EXPECT_EQ(value(main, "both"), "a b");
  EXPECT_EQ(value(main, "nested"), "in");
  EXPECT_EQ(value(main, "numbers"), "less");
  EXPECT_EQ(value(main, "words"), "same");
  EXPECT_EQ(value(main, "levels"), "new");
}

TEST(Expand, CitesTheLineTheTextStandsIn) {
  const auto main = main_cf("lan = 10.0.0.0/8\nmynetworks = 127.0.0.0/8 $lan\n");
  const auto words = split_outside_braces(Parameters(main, nullptr).get("mynetworks").text, ",");
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].where().to_string(), "main.cf:2");
  EXPECT_EQ(words[1].where().to_string(), "main.cf:1");
}

TEST(Expand, LoopsAndOpenBracesAreErrorsAndDoublingIsBounded) {
  for (const std::string text : {"a = $b\nb = $a\n", "a = ${b\n", "a = ${b x}\n", "a = ${{1} ~ {2} ? {x}}\n"}) {
    const auto main = main_cf(text);
    const auto checked = Parameters(main, nullptr).check();
    ASSERT_FALSE(checked) << text;
    EXPECT_TRUE(checked.error().message.starts_with("main.cf:")) << checked.error().message;
  }
  std::string doubling = "v0 =\n";
  for (int i = 1; i < 36; ++i) {
    const auto before = std::to_string(i - 1);
    doubling += "v" + std::to_string(i) + " = $v" + before + "$v" + before + "\n";
  }
  const auto checked = Parameters(main_cf(doubling), nullptr).check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind, ErrorKind::limit);
}

TEST(Parameters, DefaultsFollowTheCompatibilityLevel) {
  const auto old_one = main_cf("myhostname = mail.x.example\n");
  EXPECT_EQ(value(old_one, "mynetworks_style"), "subnet");
  EXPECT_EQ(value(old_one, "relay_domains"), "mail.x.example, localhost.x.example, localhost");
  EXPECT_EQ(value(old_one, "smtpd_relay_restrictions"), "");
  const auto level_two = main_cf("compatibility_level = 2\nmyhostname = mail.x.example\n");
  EXPECT_EQ(value(level_two, "mynetworks_style"), "host");
  EXPECT_EQ(value(level_two, "relay_domains"), "");
  EXPECT_EQ(value(level_two, "smtpd_relay_restrictions"),
            "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination");
  EXPECT_EQ(value(level_two, "smtpd_relay_before_recipient_restrictions"), "no");
  EXPECT_EQ(value(main_cf("compatibility_level = 3.6\n"), "smtpd_relay_before_recipient_restrictions"), "yes");
}

TEST(Parameters, WhatOnlyTheMachineKnowsIsMarked) {
  const auto main = main_cf("a = x.$mydomain $smtpd_something_new $own_forgotten_name\n");
  const auto a = Parameters(main, nullptr).get("a");
  EXPECT_TRUE(a.unknown());
  EXPECT_EQ(with_names(a.text.text()), "x.$mydomain $smtpd_something_new");
  EXPECT_EQ(a.undefined, std::vector<std::string>{"own_forgotten_name"});
  // Asking each other in a circle must not end in a circle here.
  EXPECT_TRUE(Parameters(main_cf("myhostname = mail.$mydomain\n"), nullptr).get("mydomain").unknown());
}

}  // namespace
}  // namespace smtpdx::mta::postfix
