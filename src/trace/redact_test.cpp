// SPDX-License-Identifier: Apache-2.0
#include "trace/redact.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "base/text.hpp"

namespace smtpdx::trace {
namespace {

Redactor knowing(std::initializer_list<std::string_view> secrets) {
  Redactor redactor;
  for (auto secret : secrets) redactor.add(secret);
  return redactor;
}

TEST(Redactor, ReplacesTheSecretItself) {
  auto redactor = knowing({"hunter2"});
  EXPECT_EQ(redactor.redact("535 bad password hunter2!"), "535 bad password [secret]!");
  EXPECT_EQ(redactor.redact("hunter2hunter2 hunter2"), "[secret] [secret]");
  EXPECT_EQ(redactor.redact("hunter 2"), "hunter 2");
  EXPECT_EQ(redactor.redact(""), "");
  EXPECT_EQ(Redactor().redact("anything"), "anything");
}

TEST(Redactor, ReplacesBase64OfTheBareSecret) {
  auto redactor = knowing({"hunter2"});
  EXPECT_EQ(redactor.redact("334 " + base64_encode("hunter2")), "334 [secret]");
  EXPECT_EQ(redactor.redact("got <aHVudGVyMg>"), "got <[secret]>");  // padding left out
}

TEST(Redactor, ReplacesSaslPlainWhateverTheUserNameIsLong) {
  auto redactor = knowing({"hunter2"});
  for (std::string user : {"a", "al", "ali", "alic"}) {
    auto plain = base64_encode(std::string("\0", 1) + user + std::string("\0", 1) + "hunter2");
    EXPECT_EQ(redactor.redact("501 cannot decode AUTH PLAIN " + plain + " (1)"),
              "501 cannot decode AUTH PLAIN [secret] (1)")
        << user;
  }
}

TEST(Redactor, ReplacesBase64AmongOtherOctets) {
  auto redactor = knowing({"0123456789"});
  for (std::size_t before = 0; before < 6; ++before) {
    for (std::size_t after = 0; after < 6; ++after) {
      auto encoded = base64_encode(std::string(before, 'x') + "0123456789" + std::string(after, '\x01'));
      EXPECT_EQ(redactor.redact(encoded), "[secret]") << before << " " << after;
    }
  }
}

TEST(Redactor, ReplacesTheUrlAlphabet) {
  std::string secret = "\xfb\xff\xfe\xfb\xff\xfe";
  ASSERT_EQ(base64_encode(secret), "+//++//+");
  EXPECT_EQ(knowing({secret}).redact("x -__--__- y"), "x [secret] y");
  EXPECT_EQ(knowing({secret}).redact("x +//++//+ y"), "x [secret] y");
}

TEST(Redactor, IgnoresVeryShortStrings) {
  auto redactor = knowing({"", "a", "ab"});
  EXPECT_TRUE(redactor.empty());
  EXPECT_EQ(redactor.redact("abba"), "abba");
  EXPECT_EQ(knowing({"abc"}).redact("xabcx YWJj"), "x[secret]x [secret]");
}

TEST(Redactor, SecretsMayOverlapAndContainTheMask) {
  EXPECT_EQ(knowing({"pass", "password", "word1"}).redact("my password1"), "my [secret]");
  EXPECT_EQ(knowing({"secret"}).redact("a secret"), "a [secret]");
  EXPECT_EQ(knowing({"secret", "ecr"}).redact("a secret"), "a [secret]");
  EXPECT_EQ(knowing({"aba"}).redact("ababa"), "[secret]");
}

TEST(Redactor, LeavesOrdinaryTextAlone) {
  auto redactor = knowing({"correct horse battery staple"});
  for (auto text : {"250-mx.example.org at your service", "334 UGFzc3dvcmQ6", "550 5.7.1 horse"}) {
    EXPECT_EQ(redactor.redact(text), text);
  }
}

TEST(Redactor, NothingOfARandomSecretComesThrough) {
  Random random(11);
  for (int round = 0; round < 500; ++round) {
    std::string secret;
    for (std::size_t i = 0, n = 8 + random.below(40); i < n; ++i) secret += static_cast<char>(1 + random.below(255));
    Redactor redactor;
    redactor.add(secret);
    std::string before;
    for (std::size_t i = 0, n = random.below(10); i < n; ++i) before += static_cast<char>(random.below(256));
    auto encoded = base64_encode(before + secret + random.word(random.below(5)));
    EXPECT_EQ(redactor.redact("S " + encoded + " " + secret), "S [secret] [secret]");
  }
}

}  // namespace
}  // namespace smtpdx::trace
