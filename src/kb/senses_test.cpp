// SPDX-License-Identifier: Apache-2.0
#include "kb/senses.hpp"

#include <gtest/gtest.h>

#include <set>

#include "kb/phrase_match.hpp"

namespace smtpdx::kb {
namespace {

const Sense* read(std::string_view line) {
  ReplyWords words = sample_words(line);
  const auto& senses = Senses::builtin();
  const Sense* strong = senses.read(words.text, words.code / 100, Senses::Strength::strong);
  return strong ? strong : senses.read(words.text, words.code / 100, Senses::Strength::weak);
}

TEST(Senses, EverySampleSelectsItsSense) {
  std::set<std::string> ids;
  for (const auto& sense : Senses::builtin().senses()) {
    EXPECT_TRUE(ids.insert(sense.id).second) << sense.id;
    for (const auto& sample : sense.samples) {
      const Sense* got = read(sample);
      EXPECT_EQ(got ? got->id : "none", sense.id) << sample;
    }
  }
}

TEST(Senses, InnocentWordsHaveNone) {
  for (std::string_view line : {"250 2.1.5 Ok", "Thank you for your order", "See the attached minutes of the meeting",
                                "550 5.0.0 Sorry", "Have a nice day"})
    EXPECT_EQ(read(line), nullptr) << line << " " << read(line)->id;
}

TEST(Senses, WordsAreWholeWordsAndAddressesAreNot) {
  EXPECT_EQ(plain_sentences(
                "<bob@spam.example>: 192.0.2.7 isn't (OK)!  See https://www.spamhaus.org/full/q?x mx1.example.org"),
            (std::vector<std::string>{" user@ ip# isn t ok ",
                                      " see dom:www dom:spamhaus dom:org host# dom:mx1 dom:example dom:org "}));
  EXPECT_EQ(read("550 bob@full.example"), nullptr);
}

TEST(Senses, BothWordsHaveToStandInOneSentence) {
  EXPECT_NE(read("550 This mailbox is for Bob. The moon is full.")->id, "sense.mailbox-full");
  ASSERT_NE(read("550 This mailbox is for Bob and is full."), nullptr);
  EXPECT_EQ(read("550 This mailbox is for Bob and is full.")->id, "sense.mailbox-full");
}

TEST(Senses, ATemporaryMeaningNeedsATemporaryReply) {
  EXPECT_EQ(read("451 greylisted")->reason, Reason::greylisted);
  const Sense* permanent = read("550 greylisted");
  EXPECT_TRUE(permanent == nullptr || permanent->reason != Reason::greylisted);
}

std::string defect(std::string_view text) {
  auto loaded = Senses::load("senses.toml", text);
  return loaded ? "none" : loaded.error().message;
}

TEST(Senses, WhatIsWrongIsSaidWithItsLine) {
  EXPECT_EQ(defect("[words]\na = [\"bb\",\n  \"cc\"]\n[[sense]]\nid = \"x\"\nreason = \"tls\"\nwhen = [\"a\"]\nsamples "
                   "= [\"bb\"]\n"),
            "none");
  EXPECT_EQ(defect("[words]\na = [\"b\"]\n"), "senses.toml:2: 'b' is too short to mean anything");
  EXPECT_EQ(defect("[[sense]]\nid = \"x\"\nwhen = [\"a\"]\n"), "senses.toml:3: no group of words is called 'a'");
  EXPECT_EQ(defect("nonsense\n"), "senses.toml:1: neither a section nor 'key = value'");
  EXPECT_EQ(defect("[words]\na = [\"bb]\n"), "senses.toml:2: a text that is not closed");
  EXPECT_NE(
      defect("[words]\naa = [\"bb\"]\n[[sense]]\nid = \"x\"\nreason = \"tsl\"\nwhen = [\"aa\"]\nsamples = [\"bb\"]\n"),
      "none");
}

}  // namespace
}  // namespace smtpdx::kb
