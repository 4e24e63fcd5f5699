// SPDX-License-Identifier: Apache-2.0
#include "dkim/canonical.hpp"

#include <gtest/gtest.h>

#include "dkim/message.hpp"
#include "dkim/tags.hpp"

namespace smtpdx::dkim {
namespace {

std::string relaxed(std::string_view body) { return canonical_body(Canonicalization::relaxed, body); }
std::string simple(std::string_view body) { return canonical_body(Canonicalization::simple, body); }
std::string relaxed_field(std::string_view field) {
  std::string out;
  canonical_field(Canonicalization::relaxed, field, out);
  return out;
}

// RFC 6376 §3.4.5
TEST(Canonical, TheStandardsExample) {
  EXPECT_EQ(relaxed(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(simple(" C \r\nD \t E\r\n\r\n\r\n"), " C \r\nD \t E\r\n");
  EXPECT_EQ(relaxed_field("A: X"), "a:X");
  EXPECT_EQ(relaxed_field("B : Y\t\r\n\tZ  "), "b:Y Z");
}

TEST(Canonical, EndsOfBodies) {
  EXPECT_EQ(simple(""), "\r\n");
  EXPECT_EQ(simple("\r\n\r\n"), "\r\n");
  EXPECT_EQ(relaxed(""), "");
  EXPECT_EQ(relaxed("\r\n"), "");
  EXPECT_EQ(relaxed(" \t\r\n \r\n"), "");
  EXPECT_EQ(simple(" \r\n"), " \r\n");
  EXPECT_EQ(simple("a"), "a\r\n");
  EXPECT_EQ(relaxed("a "), "a\r\n");
  EXPECT_EQ(relaxed("\r\na\r\n \r\nb"), "\r\na\r\n\r\nb\r\n");
  EXPECT_EQ(simple("a\r\n\r"), "a\r\n\r\r\n");
  EXPECT_EQ(relaxed("a\rb \r c\r\n"), "a\rb \r c\r\n");
}

TEST(Canonical, TheCutOfTheChunksDoesNotMatter) {
  const std::string body = "a  b \r\n\r\n \tc\r\r\n\r\nd\t\r\n \r\n\r\n";
  for (auto c : {Canonicalization::simple, Canonicalization::relaxed}) {
    for (std::size_t size = 1; size < body.size(); ++size) {
      std::string out;
      BodyCanonicalizer canonicalizer(c, [&](std::string_view s) { out.append(s); });
      for (std::size_t at = 0; at < body.size(); at += size) canonicalizer.add(std::string_view(body).substr(at, size));
      canonicalizer.finish();
      EXPECT_EQ(out, canonical_body(c, body)) << size;
    }
  }
}

TEST(Message, FieldsKeepTheirFoldsAndOffsets) {
  const std::string text = "A: 1\n  2\nB : x\nA: 3\n\nbody\n";
  const Message m(text);
  EXPECT_EQ(m.line_ends(), LineEnds::lf);
  ASSERT_EQ(m.fields().size(), 3u);
  EXPECT_EQ(m.fields()[0].whole, "A: 1\r\n  2");
  EXPECT_EQ(m.fields()[1].name, "B");
  EXPECT_EQ(m.body(), "body\r\n");
  EXPECT_EQ(m.all("a").size(), 2u);
  EXPECT_EQ(text.substr(m.fields()[2].offset, 4), "A: 3");
  EXPECT_EQ(Message("no header at all").fields().size(), 0u);
  EXPECT_EQ(Message("").body(), "");
}

TEST(Tags, Grammar) {
  const auto good = TagList::parse(" a = 1 ; b_2=\r\n x y ;c=;");
  ASSERT_FALSE(good.error());
  EXPECT_EQ(good.find("a"), "1");
  EXPECT_EQ(good.find("b_2"), "x y");
  EXPECT_EQ(good.find("c"), "");
  for (const auto* bad : {"", ";", "a=1;;b=2", "a", "=1", "1a=2", "_=1", "a=1; a=2", "a b=1"})
    EXPECT_TRUE(TagList::parse(bad).error()) << bad;
  EXPECT_TRUE(TagList::parse("a=\x01").error());
  EXPECT_TRUE(TagList::parse("a=\xff").error());
  EXPECT_FALSE(TagList::parse("a=\xc3\xa4").error());
}

TEST(Tags, TheSignatureIsTakenOutExactly) {
  const auto without = [](std::string_view field) {
    const auto pieces = without_signature(field);
    return std::string(pieces.before) + std::string(pieces.after);
  };
  EXPECT_EQ(without("D: bh=x; b=abc\r\n def ; c=d"), "D: bh=x; b=; c=d");
  EXPECT_EQ(without("D: b = abc"), "D: b =");
  EXPECT_EQ(without("D: h=b=x; b=y;"), "D: h=b=x; b=;");
  EXPECT_EQ(without("D: a=b"), "D: a=b");
}

}  // namespace
}  // namespace smtpdx::dkim
