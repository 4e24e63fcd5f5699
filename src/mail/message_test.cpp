// SPDX-License-Identifier: Apache-2.0
#include "mail/message.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace smtpdx::mail {
namespace {

TEST(Header, FieldsFoldsAndOffsets) {
  std::string text = "Subject: one\r\n two\r\nX-Odd : value\r\nTo:\tb@y.example\r\n\r\nbody";
  Header header = parse_header(text);
  ASSERT_EQ(header.fields.size(), 3u);
  EXPECT_EQ(header.value("subject"), "one two");
  EXPECT_EQ(header.fields[0].raw, " one\r\n two");
  EXPECT_EQ(header.value("X-Odd"), "value");
  EXPECT_EQ(header.value("to"), "b@y.example");
  EXPECT_EQ(text.substr(header.fields[2].offset, 2), "To");
  EXPECT_EQ(text.substr(header.end), "body");
  EXPECT_EQ(header.find("Cc"), nullptr);
}

TEST(Header, LineEndsOfAllKinds) {
  std::string lf = "A: 1\nB: 2\n\nbody\n";
  for (const char* end : {"\n", "\r\n", "\r"}) {
    std::string text = replace_all(lf, "\n", end);
    Header header = parse_header(text);
    EXPECT_EQ(header.fields.size(), 2u);
    EXPECT_EQ(header.value("B"), "2");
    EXPECT_TRUE(text.substr(header.end).starts_with("body"));
  }
  // A lone CR among LF lines ends nothing.
  EXPECT_EQ(parse_header("A: 1\rB: 2\nC: 3\n\n").fields.size(), 2u);
}

TEST(Header, EndsAtTheFirstLineThatIsNoField) {
  std::string text = "A: 1\nthis is text\nB: 2\n";
  Header header = parse_header(text);
  EXPECT_EQ(header.fields.size(), 1u);
  EXPECT_EQ(text.substr(header.end), "this is text\nB: 2\n");
  EXPECT_EQ(parse_header("From x Mon Jan  1 00:00:00 2026\nA: 1\n\n").fields.size(), 1u);
  EXPECT_TRUE(parse_header("\nA: 1\n").fields.empty());
  EXPECT_TRUE(parse_header("").fields.empty());
}

TEST(Header, LimitsTheNumberOfLines) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "X: y\n";
  Header header = parse_header(text + "\nbody", 0, {.header_lines = 100});
  EXPECT_EQ(header.fields.size(), 100u);
  EXPECT_TRUE(header.truncated);
  EXPECT_EQ((text + "\nbody").substr(header.end), "body");
}

TEST(ContentType, ParametersQuotedAndNot) {
  auto type = ContentType::parse("Multipart/Report; report-type=delivery-status;\t boundary=\"a;b\\\"c\" ; x=y");
  EXPECT_EQ(type.type, "multipart/report");
  EXPECT_EQ(type.parameter("boundary"), "a;b\"c");
  EXPECT_EQ(type.parameter("report-type"), "delivery-status");
  EXPECT_EQ(type.parameter("x"), "y");
  EXPECT_EQ(ContentType::parse("nonsense").type, "text/plain");
  EXPECT_EQ(ContentType::parse("text/html charset=x").type, "text/html");
  EXPECT_EQ(ContentType::parse("a/b; c; d=\"unclosed").parameter("d"), "unclosed");
}

std::string outline(const Part& part) {
  std::string out = part.content_type.type;
  if (!part.parts.empty()) {
    out += "(";
    for (const auto& child : part.parts) out += (out.back() == '(' ? "" : " ") + outline(child);
    out += ")";
  }
  return out;
}

TEST(Message, PartsAndWhereTheyLie) {
  std::string text =
      "Content-Type: multipart/report; boundary=b\n\npreamble\n--b\nContent-Type: text/plain\n\nwords\n--b\n"
      "Content-Type: message/delivery-status\n\nA: 1\n\n--b  \nContent-Type: message/rfc822\n\nSubject: x\n\nhello\n"
      "--b--\nepilogue --b\n";
  for (const char* end : {"\n", "\r\n", "\r"}) {
    std::string octets = replace_all(text, "\n", end);
    Message message = parse_message(octets);
    EXPECT_EQ(outline(message.root), "multipart/report(text/plain message/delivery-status message/rfc822(text/plain))");
    ASSERT_EQ(message.root.parts.size(), 3u);
    EXPECT_EQ(message.root.parts[0].body, "words");
    EXPECT_EQ(octets.substr(message.root.parts[0].body_offset, 5), "words");
    EXPECT_EQ(message.root.parts[2].parts[0].header.value("Subject"), "x");
    EXPECT_TRUE(message.notes.empty());
  }
}

TEST(Message, ABoundaryThatBeginsAnother) {
  std::string text =
      "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/alternative; boundary=abc\n\n"
      "--abc\n\none\n--abc--\n--ab\n\ntwo\n--ab--\n";
  EXPECT_EQ(outline(parse_message(text).root), "multipart/mixed(multipart/alternative(text/plain) text/plain)");
}

TEST(Message, DefectsAreLivedWithAndNoted) {
  EXPECT_EQ(outline(parse_message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx").root),
            "multipart/mixed(text/plain)");
  EXPECT_FALSE(parse_message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx").notes.empty());
  EXPECT_EQ(outline(parse_message("Content-Type: multipart/mixed\n\nx").root), "multipart/mixed");
  EXPECT_EQ(outline(parse_message("Content-Type: multipart/mixed; boundary=b\n\nx").root), "multipart/mixed");
  EXPECT_EQ(outline(parse_message("").root), "text/plain");
  EXPECT_EQ(outline(parse_message("Content-Type: multipart/mixed; boundary=lost\n\n--real\nContent-Type: "
                                  "text/html\n\nx\n--real--\n")
                        .root),
            "multipart/mixed(text/html)");
}

TEST(Message, NestingAndNumberAreLimited) {
  std::string nested;
  for (int i = 0; i < 100; ++i)
    nested += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "x\n\n--b" + std::to_string(i) + "x\n";
  Message message = parse_message(nested);
  int deepest = 0;
  walk(message.root, [&](const Part& part) {
    deepest = std::max(deepest, part.depth);
    return true;
  });
  EXPECT_EQ(deepest, 20);
  std::string many = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 5000; ++i) many += "--b\n\nx\n";
  EXPECT_LE(parse_message(many).root.parts.size(), 1000u);
}

TEST(Message, AnAttachedMessageMayBeAttachedTwiceOver) {
  std::string text = "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: x\n\ny";
  EXPECT_EQ(outline(parse_message(text).root), "message/rfc822(message/rfc822(text/plain))");
}

TEST(Message, ABoundaryOnALineThatIsNotFoldedIsGuessed) {
  Message message = parse_message(
      "From: a@x.example\nContent-Type: multipart/alternative; differences=Content-Type;\nboundary=\"b1\"\n\n--b1\n"
      "Content-Type: text/plain\n\nwords\n--b1--\n");
  ASSERT_EQ(message.root.parts.size(), 1u);
  EXPECT_EQ(message.root.parts[0].body, "words");
}

}  // namespace
}  // namespace smtpdx::mail
