// SPDX-License-Identifier: Apache-2.0
#include "kb/letters.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "kb/embedded.hpp"

namespace smtpdx::kb {
namespace {

std::set<std::string> placeholders(const std::string& text) {
  static const std::regex word("\\{[a-z_]+\\}");
  return {std::sregex_token_iterator(text.begin(), text.end(), word), std::sregex_token_iterator()};
}

TEST(Letters, EveryBookIsWithoutDefect) {
  std::size_t books = 0;
  for (const auto& file : embedded_files()) {
    if (!file.path.starts_with("letters/")) continue;
    ++books;
    for (const auto& defect : letter_defects({"data/" + std::string(file.path), std::string(file.text)}))
      ADD_FAILURE() << defect.message;
  }
  EXPECT_EQ(books, letter_languages().size());
}

TEST(Letters, ATranslationLosesNoPlaceholder) {
  const auto& catalogue = Catalogue::builtin();
  for (auto language : letter_languages()) {
    auto book = letter_book(language);
    ASSERT_TRUE(book.has_value()) << book.error().message;
    EXPECT_EQ(book->language, language);
    for (const auto& [code, letter] : book->letters) {
      const auto* cause = catalogue.cause(code);
      ASSERT_TRUE(cause && cause->letter) << language << " " << code;
      for (const auto& name : placeholders(letter.subject + letter.body))
        EXPECT_TRUE(placeholders(cause->letter->subject + cause->letter->body + cause->confirm.command).contains(name))
            << language << " " << code << " " << name;
      EXPECT_TRUE(placeholders(letter.body).contains("{transcript}")) << language << " " << code;
    }
  }
}

TEST(Letters, AllLanguagesHaveTheSameLetters) {
  auto german = letter_book("de");
  ASSERT_TRUE(german.has_value());
  EXPECT_GE(german->letters.size(), 31u);
  for (auto language : {"es", "fr", "ja"}) {
    auto book = letter_book(language);
    ASSERT_TRUE(book.has_value());
    for (const auto& [code, letter] : german->letters)
      EXPECT_TRUE(book->letters.contains(code)) << language << " " << code;
    EXPECT_EQ(book->letters.size(), german->letters.size()) << language;
  }
}

/// Whoever does not know smtpdx has to be written to in a letter of the cause's own.
TEST(Letters, TheOtherSideGetsALetterOfItsOwn) {
  auto book = letter_book("fr");
  ASSERT_TRUE(book.has_value());
  for (const auto& cause : Catalogue::builtin().causes()) {
    const bool leaves_the_house = cause.letter && cause.letter->to != "own-admin";
    EXPECT_TRUE(!leaves_the_house || book->letters.contains(cause.code)) << cause.code;
  }
}

TEST(Letters, ComposedWithOpeningCheckAndClosing) {
  auto book = letter_book("de");
  const auto& catalogue = Catalogue::builtin();
  auto own = compose(*book, *catalogue.cause("rcpt.mx_not_configured_for_domain"));
  EXPECT_TRUE(own.body.starts_with("Guten Tag,\n\n"));
  EXPECT_NE(own.body.find("Zur Kontrolle danach: {command}"), std::string::npos);
  auto general = compose(*book, *catalogue.cause("submit.wrong_port_25"));
  EXPECT_NE(general.body.find("smtpdx causes submit.wrong_port_25"), std::string::npos);
  EXPECT_EQ(general.body.find("{title}"), std::string::npos);
  EXPECT_EQ(general.to, "die Administration unseres eigenen Mailsystems");
}

TEST(Letters, AnUnknownLanguageSaysWhichThereAre) {
  auto book = letter_book("tlh");
  ASSERT_FALSE(book.has_value());
  EXPECT_NE(book.error().hint.find("en, de, es, fr, ja"), std::string::npos);
}

}  // namespace
}  // namespace smtpdx::kb
