// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpdx {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, FoldsAsciiOnly) {
  EXPECT_EQ(to_lower("MX.Example.ORG"), "mx.example.org");
  EXPECT_EQ(to_lower("\xC4[@`{Z"), "\xC4[@`{z");  // neighbours of the letters and octets above 0x7F stay
  EXPECT_TRUE(iequals("StartTLS", "STARTTLS"));
  EXPECT_FALSE(iequals("STARTTLS", "STARTTL"));
  EXPECT_FALSE(iequals("\xC4", "\xE4"));
}

TEST(Text, KnowsSpace) {
  for (char c : {' ', '\t', '\r', '\n', '\v', '\f'}) EXPECT_TRUE(is_space(c)) << int{c};
  for (char c : {'\0', '\x08', '\x0e', 'a', '\xA0'}) EXPECT_FALSE(is_space(c)) << int{c};
}

TEST(Text, FindsWithoutCase) {
  EXPECT_EQ(ifind("550 Relaying DENIED", "denied"), 13U);
  EXPECT_EQ(ifind("aXax", "AX"), 0U);
  EXPECT_EQ(ifind("aXax", "AX", 1), 2U);
  EXPECT_EQ(ifind("aXax", "AX", 3), std::string_view::npos);
  EXPECT_EQ(ifind("abc", "", 3), 3U);
  EXPECT_EQ(ifind("abc", "", 4), std::string_view::npos);
  EXPECT_EQ(ifind("", "a"), std::string_view::npos);
  for (std::size_t at = 0; at < 70; ++at)
    for (std::size_t from = 0; from < 40; ++from) {
      const auto text = std::string(at, 'd') + "@[DeniEd" + std::string(70 - at, '[');
      EXPECT_EQ(ifind(text, "[denied", from), from > at + 1 ? std::string_view::npos : at + 1) << text;
    }
  EXPECT_TRUE(icontains("Mail From", "L f"));
  EXPECT_FALSE(icontains("Mail From", "mailfrom"));
  EXPECT_TRUE(istarts_with("IPv6:::1", "ipv6:"));
  EXPECT_FALSE(istarts_with("IP", "ipv6:"));
  EXPECT_TRUE(iends_with("mx.EXAMPLE.org", ".example.ORG"));
  EXPECT_FALSE(iends_with("org", ".org"));
}

TEST(Text, FindsEitherOfTwo) {
  for (std::size_t at = 0; at < 40; ++at) {
    const auto text = std::string(at, 'x') + "\r" + std::string(40 - at, 'y') + "\n";
    EXPECT_EQ(find_either(text, '\n', '\r'), at);
    EXPECT_EQ(find_either(text, '\n', '\r', at + 1), 41U);
    EXPECT_EQ(find_either(text, '\r', '\t', at + 1), std::string_view::npos);
  }
  EXPECT_EQ(find_either("", 'a', 'b'), std::string_view::npos);
  EXPECT_EQ(find_either("a", 'a', 'b', 7), std::string_view::npos);
}

TEST(Text, Trims) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(fold_space("  a \t\r\n b  "), "a b");
  EXPECT_EQ(fold_space(""), "");
}

TEST(Text, SplitsAndKeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
}

TEST(Text, SplitsWords) {
  EXPECT_THAT(split_words("  SIZE \t 35882577\r\n"), ElementsAre("SIZE", "35882577"));
  EXPECT_THAT(split_words(" \t"), IsEmpty());
}

TEST(Text, EveryKindOfLineEndEndsALine) {
  EXPECT_THAT(split_lines("a\nb\r\nc\rd"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(split_lines("a\r\n"), ElementsAre("a"));
  EXPECT_THAT(split_lines("\n\n"), ElementsAre("", ""));
  EXPECT_THAT(split_lines("a\n\rb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_lines(""), IsEmpty());
}

TEST(Text, JoinsAndReplaces) {
  EXPECT_EQ(join({"a", "", "c"}, ", "), "a, , c");
  EXPECT_EQ(join({}, ","), "");
  EXPECT_EQ(replace_all("aaa", "a", "aa"), "aaaaaa");
  EXPECT_EQ(replace_all("abab", "ab", ""), "");
  EXPECT_EQ(replace_all("abc", "", "x"), "abc");
  EXPECT_EQ(replace_all("abc", "d", "x"), "abc");
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("0587"), 587U);
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  for (auto bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1a", "0x10"}) {
    EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
  }
}

TEST(Text, RecognisesUtf8) {
  for (auto good : {"", "a", "ä", "€", "𝄞", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (auto bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                   "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "a\xFF"}) {
    EXPECT_FALSE(valid_utf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(Text, PrintableKeepsWordsAndDisarmsTheRest) {
  EXPECT_EQ(printable("Grüße, 世界"), "Grüße, 世界");
  EXPECT_EQ(printable("a\x1b[2Jb\r\n\t\x7f"), "a\\x1b[2Jb\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(printable("caf\xE9 \xC3"), "caf\\xe9 \\xc3");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI as a C1 control
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "txt"),
            "\\xe2\\x80\\xaetxt");                            // right-to-left override
  EXPECT_EQ(printable("\xE2\x81\xA6x"), "\\xe2\\x81\\xa6x");  // left-to-right isolate
  EXPECT_EQ(printable("\xC2\xA0\xE2\x80\x93"), "\xC2\xA0\xE2\x80\x93");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Text, PrintableCutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdef", 5), "abcde…");
  EXPECT_EQ(printable("aäb", 2), "a…");
  EXPECT_EQ(printable("", 0), "");
  EXPECT_EQ(printable("a", 0), "…");
}

TEST(Text, MeasuresEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("gmial.com", "gmail.com"), 1U);  // swap
  EXPECT_EQ(edit_distance("gmai.com", "gmail.com"), 1U);   // insert
  EXPECT_EQ(edit_distance("hotmaill.com", "hotmail.com"), 1U);
  EXPECT_EQ(edit_distance("yahop.com", "yahoo.com"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ca", "abc"), 3U);  // no substring twice; the unrestricted distance would be 2
}

TEST(Text, ComparesNames) {
  EXPECT_EQ(canonical_name("MX.Example.ORG."), "mx.example.org");
  EXPECT_EQ(canonical_name("."), "");
  EXPECT_TRUE(in_domain("mail.example.org.", "Example.org"));
  EXPECT_TRUE(in_domain("EXAMPLE.org", "example.org."));
  EXPECT_FALSE(in_domain("badexample.org", "example.org"));
  EXPECT_FALSE(in_domain("org", "example.org"));
  EXPECT_FALSE(in_domain("example.org", ""));
  EXPECT_FALSE(in_domain("example.org", "."));
}

TEST(Text, TakesAddressesApart) {
  EXPECT_EQ(domain_of("Bob@Example.ORG."), "example.org");
  EXPECT_EQ(domain_of("<bob@example.org>"), "example.org");
  EXPECT_EQ(domain_of("Bob B. <bob@example.org> "), "example.org");
  EXPECT_EQ(domain_of("\"a@b\"@c.example"), "c.example");
  EXPECT_EQ(domain_of("a@[192.0.2.1]"), "[192.0.2.1]");
  for (auto none : {"", "<>", "bob", "bob@", "<bob>"}) EXPECT_EQ(domain_of(none), "") << none;
  EXPECT_EQ(local_part_of("Bob@example.org"), "Bob");  // case is the receiver's business (RFC 5321 §2.4)
  EXPECT_EQ(local_part_of("<\"a@b\"@c.example>"), "\"a@b\"");
  EXPECT_EQ(local_part_of("postmaster"), "postmaster");
  EXPECT_EQ(local_part_of("<>"), "");
}

}  // namespace
}  // namespace smtpdx
