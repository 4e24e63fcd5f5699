// SPDX-License-Identifier: Apache-2.0
#include "kb/phrase_match.hpp"

#include <gtest/gtest.h>

namespace smtpdx::kb {
namespace {

std::string hit(std::string_view pattern, std::string_view text) {
  auto found = Pattern(pattern).find(FoldedText(text));
  return found ? std::string(text.substr(found->from, found->to - found->from)) : "-";
}

TEST(PhraseMatch, IgnoresCaseAndRunsOfWhiteSpace) {
  EXPECT_EQ(hit("relay access denied", "<a@b.example>: Relay  Access\r\n\tDENIED."), "Relay  Access\r\n\tDENIED");
  EXPECT_EQ(hit("Relay  Access Denied", "relay access denied"), "relay access denied");
  EXPECT_EQ(hit("relay access denied", "relayaccess denied"), "-");
}

TEST(PhraseMatch, StarFitsAnyRunAndNone) {
  EXPECT_EQ(hit("blocked using * lookup", "was BLOCKED using zen.example lookup now"),
            "BLOCKED using zen.example lookup");
  EXPECT_EQ(hit("not*permitted", "notpermitted"), "notpermitted");
  EXPECT_EQ(hit("one * two", "one two"), "one two");
  EXPECT_EQ(hit("one * two", "two one"), "-");
  EXPECT_EQ(hit("*relay*", "a relay b"), "relay");
}

TEST(PhraseMatch, OverlappingPartsAreNotCountedTwice) {
  EXPECT_EQ(hit("aba*aba", "ababa"), "-");
  EXPECT_EQ(hit("aba*aba", "abaaba"), "abaaba");
}

TEST(PhraseMatch, AnEmptyPatternFitsNothing) {
  EXPECT_EQ(hit("", "text"), "-");
  EXPECT_EQ(hit(" * ", "text"), "-");
}

TEST(PhraseMatch, LooksAtABoundedPartOnly) {
  std::string text(FoldedText::limit, 'x');
  text += "relay denied";
  EXPECT_EQ(hit("relay denied", text), "-");
}

TEST(CodeFit, WhatTheReplyLacksIsOpenAndWhatItSaysOtherwiseDiffers) {
  EXPECT_EQ(code_fit("554", 554, ""), CodeFit::agrees);
  EXPECT_EQ(code_fit("554", 550, ""), CodeFit::differs);
  EXPECT_EQ(code_fit("554", 0, "5.7.1"), CodeFit::open);
  EXPECT_EQ(code_fit("554", 0, "4.7.1"), CodeFit::differs);
  EXPECT_EQ(code_fit("5.7.1", 554, ""), CodeFit::open);
  EXPECT_EQ(code_fit("5.7.1", 454, ""), CodeFit::differs);
  EXPECT_EQ(code_fit("5.7.1", 554, "5.7.1"), CodeFit::agrees);
  EXPECT_EQ(code_fit("5.7.1", 554, "5.7.10"), CodeFit::differs);
  EXPECT_EQ(code_fit("554 5.7.1", 554, "5.7.1"), CodeFit::agrees);
  EXPECT_EQ(code_fit("554 5.7.1", 550, "5.7.1"), CodeFit::differs);
  EXPECT_EQ(code_fit("554 5.7.1", 554, ""), CodeFit::open);
  EXPECT_EQ(code_fit("554 5.7.1", 0, ""), CodeFit::open);
}

TEST(CodeFit, CodeWords) {
  EXPECT_TRUE(is_code_word("554"));
  EXPECT_TRUE(is_code_word("5.7.367"));
  EXPECT_TRUE(is_code_word("554 5.7.1"));
  EXPECT_FALSE(is_code_word("5.7.1 554"));
  EXPECT_FALSE(is_code_word("5.7"));
  EXPECT_FALSE(is_code_word("X.7.1"));
  EXPECT_FALSE(is_code_word("5.7.1234"));
  EXPECT_FALSE(is_code_word(""));
}

TEST(SampleWords, TakesCodeAndStatusOff) {
  auto w = sample_words("554 5.7.1 <a@b.example>: Relay access denied");
  EXPECT_EQ(w.code, 554);
  EXPECT_EQ(w.status, "5.7.1");
  EXPECT_EQ(w.text, "<a@b.example>: Relay access denied");
  w = sample_words("550-#5.7.1 text");
  EXPECT_EQ(w.code, 550);
  EXPECT_EQ(w.status, "5.7.1");
  w = sample_words("5504 is not a code");
  EXPECT_EQ(w.code, 0);
  EXPECT_EQ(w.text, "5504 is not a code");
  w = sample_words("554");
  EXPECT_EQ(w.code, 554);
  EXPECT_EQ(w.text, "");
}

}  // namespace
}  // namespace smtpdx::kb
