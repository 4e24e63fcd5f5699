// SPDX-License-Identifier: Apache-2.0
#include "intake/token.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.hpp"

namespace smtpdx::intake {
namespace {

constexpr WallTime now{std::chrono::seconds(1'800'000'000)};

std::string token_of(const std::string& claims) {
  auto body = base64_encode(claims);
  std::ranges::replace(body, '+', '-');
  std::ranges::replace(body, '/', '_');
  while (body.ends_with('=')) body.pop_back();
  return "eyJhbGciOiJub25lIn0." + body + ".c2lnbmF0dXJl";
}

TEST(ReadToken, WhatATokenSaysOfItself) {
  const auto fact = read_token(token_of(R"({"aud":"https://outlook.office.com","scp":"SMTP.Send IMAP.AccessAsUser.All",
      "upn":"app@tenant.example","exp":1800000900})"),
                               now);
  EXPECT_TRUE(fact.readable);
  EXPECT_EQ(fact.audience, std::vector<std::string>{"https://outlook.office.com"});
  EXPECT_EQ(fact.rights, (std::vector<std::string>{"SMTP.Send", "IMAP.AccessAsUser.All"}));
  EXPECT_EQ(fact.user, "app@tenant.example");
  EXPECT_EQ(fact.expired, false);
}

TEST(ReadToken, RolesOfAnApplicationAndAnEnd) {
  const auto fact = read_token(token_of(R"({"aud":["a","b"],"roles":["SMTP.SendAsApp"],"exp":1799990000})"), now);
  EXPECT_EQ(fact.audience, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fact.rights, std::vector<std::string>{"SMTP.SendAsApp"});
  EXPECT_EQ(fact.user, "");
  EXPECT_EQ(fact.expired, true);
  EXPECT_EQ(read_token(token_of(R"({"exp":1799999700})"), now).expired, false);  // clocks differ
  EXPECT_FALSE(read_token(token_of(R"({"exp":"soon"})"), now).expired);
}

TEST(ReadToken, WhatIsNoneIsNotReadable) {
  for (const std::string text : {"", "ya29.a0AfH6SMB", "a.b", "a.b.c.d", "a.!!.c", "a.bm8.c"})
    EXPECT_FALSE(read_token(text, now).readable) << text;
  EXPECT_FALSE(read_token(token_of("[1]"), now).readable);
  EXPECT_FALSE(read_token(std::string(100'000, 'a') + ".e30.x", now).readable);
}

}  // namespace
}  // namespace smtpdx::intake
