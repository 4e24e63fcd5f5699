// SPDX-License-Identifier: Apache-2.0
#include "mail/text.hpp"

#include <gtest/gtest.h>

#include "mail/address.hpp"
#include "mail/charset.hpp"
#include "mail/encoded_word.hpp"
#include "mail/mbox.hpp"

namespace smtpdx::mail {
namespace {

/// The input's octets that `word` of the decoded text came from.
std::string origin_of(std::string_view input, const Text& text, std::string_view word) {
  std::size_t at = text.octets().find(word);
  if (at == std::string::npos) return "-";
  auto [offset, length] = text.range(at, word.size());
  return std::string(input.substr(offset, length));
}

TEST(Text, QuotedPrintableKeepsTheWayBack) {
  std::string body = "na=C3=AFve rel=\r\nay =ZZ trailing=";
  Text text = decode(body, "quoted-printable", 0, 1000);
  EXPECT_EQ(text.octets(), "na\xC3\xAFve relay =ZZ trailing");
  EXPECT_EQ(origin_of(body, text, "relay"), "rel=\r\nay");
  EXPECT_EQ(origin_of(body, text, "\xC3\xAF"), "=C3=AF");
}

TEST(Text, Base64KeepsTheWayBack) {
  std::string body = "UmVsYXkg\r\nYWNjZXNz\r\nIGRlbmllZA==\r\n";
  Text text = decode(body, "base64", 100, 1000);
  EXPECT_EQ(text.octets(), "Relay access denied");
  EXPECT_EQ(text.origin(0), 100u);
  auto [offset, length] = text.range(6, 6);
  EXPECT_EQ(offset, 110u);
  EXPECT_LE(offset + length, 100 + body.size());
  EXPECT_EQ(decode("*UmVs*YXk", "base64", 0, 1000).octets(), "Relay");
}

TEST(Text, LimitsAreSaid) {
  Text text = decode(std::string(100, 'x'), "7bit", 0, 10);
  EXPECT_EQ(text.octets().size(), 10u);
  EXPECT_TRUE(text.truncated);
  EXPECT_TRUE(decode(std::string(100, 'A'), "base64", 0, 10).truncated);
}

TEST(Text, HtmlBecomesWords) {
  std::string html =
      "<html><style>p{}</style><body><p>Error:</p><td>550 5.7.1 &lt;b@y.example&gt;&#58; no -&gt; "
      "<a href=\"x\">here</a></td><br>a &amp; b &unknown; <b@y.example> 1 < 2</body>";
  Text text = html_to_text(Text(html, 0));
  EXPECT_NE(text.octets().find("550 5.7.1 <b@y.example>: no -> here"), std::string::npos) << text.octets();
  EXPECT_NE(text.octets().find("a & b &unknown; <b@y.example> 1 < 2"), std::string::npos) << text.octets();
  EXPECT_EQ(text.octets().find("p{}"), std::string::npos);
  EXPECT_EQ(origin_of(html, text, "<b@y"), "&lt;b@y");
}

TEST(Text, CharacterSetsBecomeUtf8WithTheWayBack) {
  std::string jis = "a \x1b$B%F%9%H\x1b(B b";
  Text text = to_utf8(Text(jis, 0), "ISO-2022-JP");
  EXPECT_EQ(text.octets(), "a テスト b");
  EXPECT_EQ(origin_of(jis, text, " b"), "\x1b(B b");  // a shift belongs to what follows it
  EXPECT_EQ(to_utf8(Text("caf\xe9", 0), "iso-8859-1").octets(), "café");
  EXPECT_EQ(to_utf8(Text("caf\xe9", 0), "uft-8").octets(), "café");  // a wrong name, and wrong octets for the right one
  EXPECT_EQ(to_utf8(Text("caf\xc3\xa9", 0), "nobody-knows").octets(), "café");
  EXPECT_EQ(to_utf8(Text("A+ZeVnLIqe- B", 0), "unicode-1-1-utf-7").octets(), "A日本語 B");
  EXPECT_EQ(to_utf8(Text("550 plain", 7), "utf-7").range(0, 3).first, 7u);
}

TEST(Text, QuotedLinesLoseOneMark) {
  std::string in = "Hello\n\n> one\n> >>> DATA\n>\n> <<< 550 no\n\nBye\n";
  Text text = quoted_lines(Text(in, 0));
  EXPECT_EQ(text.octets(), "one\n>>> DATA\n\n<<< 550 no\n");
  EXPECT_EQ(origin_of(in, text, "550"), "550");
}

TEST(Text, QuoteMarksComeOff) {
  std::string in = "> one\n>> two\n>\nthree > four\n>five";
  Text text = without_quote_marks(Text(in, 0));
  EXPECT_EQ(text.octets(), "one\ntwo\n\nthree > four\nfive");
  EXPECT_EQ(origin_of(in, text, "five"), "five");
}

TEST(Address, ListsOfAllShapes) {
  using V = std::vector<std::string>;
  EXPECT_EQ(addresses("a@x.example"), V{"a@x.example"});
  EXPECT_EQ(addresses("\"Last, First\" <a@x.example>, b@y.example (Bob (the cat)), Group: c@z.example;"),
            (V{"a@x.example", "b@y.example", "c@z.example"}));
  EXPECT_EQ(addresses("\"odd local\"@x.example"), V{"\"odd local\"@x.example"});
  EXPECT_EQ(addresses("undisclosed-recipients:;"), V{});
  EXPECT_EQ(addresses("<unclosed@x.example"), V{"unclosed@x.example"});
  EXPECT_EQ(first_address("Anna <a@x.example>"), "a@x.example");
}

TEST(Address, InProseAndReports) {
  EXPECT_EQ(address_in("554 5.7.1 <b@y.example>: Relay access denied"), "b@y.example");
  EXPECT_EQ(address_in("Unable to relay for b@y.example."), "b@y.example");
  EXPECT_EQ(address_in("{'b@y.example': (554"), "b@y.example");
  EXPECT_EQ(address_in("no address @ all"), "");
  EXPECT_EQ(report_address("rfc822; b@y.example"), "b@y.example");
  EXPECT_EQ(report_address("rfc/822;<b@y.example> (expanded)"), "b@y.example");
  EXPECT_EQ(report_address("RFC822;@relay.example:b@y.example"), "b@y.example");
  EXPECT_EQ(report_address("<>"), "");
  EXPECT_EQ(report_address(""), "");
}

TEST(EncodedWord, DecodesWhatItKnows) {
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?Re=3A_na=C3=AFve?= rest"), "Re: na\xC3\xAFve rest");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?w6Q=?= =?utf-8?b?w7Y=?="), "\xC3\xA4\xC3\xB6");
  EXPECT_EQ(decode_encoded_words("=?iso-8859-1?q?=E4?="), "\xC3\xA4");
  EXPECT_EQ(decode_encoded_words("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?="), "テスト");
  EXPECT_EQ(decode_encoded_words("=?koi8-r?B?8NTJ?="), "Пти");
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?broken"), "=?utf-8?Q?broken");
  EXPECT_EQ(decode_encoded_words("a =? b"), "a =? b");
}

TEST(Mbox, SplitsAtFromLines) {
  std::string box =
      "From a@x Mon Jan  1 00:00:00 2026\nA: 1\n\nFrom here it is text\nbody\n\nFrom b@y Tue Jan  2 00:00:00 "
      "2026\nA: 2\n\n>From quoted 00:00\n";
  EXPECT_TRUE(is_mbox(box));
  auto messages = split_mbox(box, 10);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(messages[0].octets.starts_with("A: 1\n"));
  EXPECT_EQ(messages[1].octets, "A: 2\n\n>From quoted 00:00\n");
  EXPECT_EQ(box.substr(messages[1].offset, 4), "A: 2");
  EXPECT_EQ(split_mbox(box, 1).size(), 1u);
  EXPECT_FALSE(is_mbox("From: a@x.example\n\n"));
}

}  // namespace
}  // namespace smtpdx::mail
