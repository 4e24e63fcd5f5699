// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace smtpdx {
namespace {

TEST(Base64, FollowsTheTestVectors) {  // RFC 4648 §10
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (auto [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
  }
}

TEST(Base64, DecodesWithoutPaddingAndWithSpace) {
  EXPECT_EQ(base64_decode("Zg"), "f");
  EXPECT_EQ(base64_decode("Zm9vYmE"), "fooba");
  EXPECT_EQ(base64_decode(" Zm9v\r\n\tYmFy \n"), "foobar");
  EXPECT_EQ(base64_decode("Zg =\n="), "f");
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (auto bad : {"Z", "Zm9vY", "Zm9v!", "Zm-_", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zg==Zg==", "=", "Zm9v\x80"}) {
    EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
  }
}

TEST(Base64, EveryOctetSurvives) {
  Random random(7);
  for (std::size_t length = 0; length < 300; ++length) {
    std::string octets;
    for (std::size_t i = 0; i < length; ++i) octets += static_cast<char>(random.below(256));
    EXPECT_EQ(base64_decode(base64_encode(octets)), octets);
  }
}

TEST(QuotedPrintable, DecodesOctetsAndSoftLineEnds) {
  EXPECT_EQ(quoted_printable_decode("Gr=C3=BC=c3=9fe"), "Grüße");
  EXPECT_EQ(quoted_printable_decode("one=\r\n line=\nmore"), "one linemore");
  EXPECT_EQ(quoted_printable_decode("soft= \t\r\nend"), "softend");
  EXPECT_EQ(quoted_printable_decode("a\r\nb\n"), "a\r\nb\n");
}

TEST(QuotedPrintable, DropsSpaceBeforeLineEnds) {
  EXPECT_EQ(quoted_printable_decode("a b \t\r\nc  \nd  "), "a b\r\nc\nd");
  EXPECT_EQ(quoted_printable_decode("a=20\r\n"), "a \r\n");
  EXPECT_EQ(quoted_printable_decode("  a"), "  a");
}

TEST(QuotedPrintable, KeepsMalformedEscapes) {
  EXPECT_EQ(quoted_printable_decode("a=ZZb=4"), "a=ZZb=4");
  EXPECT_EQ(quoted_printable_decode("1 = 1"), "1 = 1");
  EXPECT_EQ(quoted_printable_decode("a=\rb"), "a=\rb");
  EXPECT_EQ(quoted_printable_decode("cut="), "cut");
  EXPECT_EQ(quoted_printable_decode("=3D=3"), "==3");
}

TEST(Hex, IsLowerCase) {
  EXPECT_EQ(hex_encode(std::string_view("\0\x7f\xAB", 3)), "007fab");
  EXPECT_EQ(hex_encode(""), "");
}

}  // namespace
}  // namespace smtpdx
