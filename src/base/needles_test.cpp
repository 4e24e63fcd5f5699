// SPDX-License-Identifier: Apache-2.0
#include "base/needles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

namespace smtpdx {
namespace {

using Places = std::vector<std::pair<std::size_t, std::size_t>>;

Places places(const Needles& needles, std::string_view text) {
  Places found;
  needles.each(text, [&](std::size_t number, std::size_t at) {
    found.emplace_back(at, number);
    return true;
  });
  return found;
}

TEST(Needles, EveryPlaceOfEveryWordInOrder) {
  const Needles needles{"host ", "ip:", "our host "};
  EXPECT_EQ(places(needles, "IP:1 Our HOST a, host b ip:"), (Places{{0, 1}, {5, 2}, {9, 0}, {17, 0}, {24, 1}}));
  EXPECT_EQ(places(needles, "ip"), Places{});
  EXPECT_EQ(places(needles, ""), Places{});
}

TEST(Needles, SignsThatDifferInTheCaseBitAreNotEqual) {
  const Needles needles{"[rcpt_to]", "}};{fqdn="};
  EXPECT_TRUE(needles.any_in("x [RCPT_TO]"));
  EXPECT_FALSE(needles.any_in("x {RCPT_TO}"));
  EXPECT_FALSE(needles.any_in("]];[FQDN="));
}

TEST(Needles, FirstOfTheListAndFirstOfTheText) {
  const Needles needles{"end of data", "data", "mail"};
  EXPECT_EQ(needles.first_listed("mail, then END OF DATA"), 0U);
  EXPECT_EQ(needles.first_place("mail, then END OF DATA"), 0U);
  EXPECT_EQ(needles.first_listed("no mail, no data"), 1U);
  EXPECT_EQ(needles.first_place("no mail, no data"), 3U);
  EXPECT_TRUE(needles.any_at_start("DATA"));
  EXPECT_FALSE(needles.any_at_start("no data"));
  EXPECT_FALSE(needles.any_at_start("da"));
  EXPECT_EQ(needles.first_listed("nothing"), Needles::none);
  EXPECT_EQ(needles.first_place("nothing"), std::string_view::npos);
}

TEST(Needles, FirstOfTheListThatTells) {
  const Needles needles{"host ", "for "};
  const std::string_view text = "for a, for 7, host b, host c, for 8";
  const auto number_at = [&](std::size_t number, std::size_t at) -> std::optional<char> {
    const char next = text[at + (number == 0 ? 5 : 4)];
    return is_digit(next) ? std::optional(next) : std::nullopt;
  };
  EXPECT_EQ(needles.first_telling(text, number_at), '7');
  EXPECT_EQ(needles.first_telling("host a", number_at), std::nullopt);
}

TEST(Needles, FindsWhatOneSearchForEachFinds) {
  const std::initializer_list<std::string_view> words = {"aab", "aba", "b[a", "abab", "bbb"};
  const Needles needles(words);
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = "abAB[{"[random() % 6];
    Places expected;
    std::size_t number = 0;
    for (auto word : words) {
      for (std::size_t at = ifind(text, word); at != std::string_view::npos; at = ifind(text, word, at + 1))
        expected.emplace_back(at, number);
      ++number;
    }
    auto found = places(needles, text);
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected) << text;
  }
}

}  // namespace
}  // namespace smtpdx
