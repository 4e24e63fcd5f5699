// SPDX-License-Identifier: Apache-2.0
#include "mail/authentication_results.hpp"

#include <gtest/gtest.h>

namespace smtpdx::mail {
namespace {

TEST(AuthenticationResults, MethodsPropertiesAndComments) {
  auto a = parse_authentication_results(
      " mx.example.net 1;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=example.org header.s=s1 "
      "header.b=\"Ab+/\";\r\n"
      "\tspf = softfail reason=\"not listed; \\\"yet\\\"\" smtp.mailfrom=a@example.org;\r\n\tdmarc=fail (p=none) "
      "header.from=example.org");
  EXPECT_EQ(a.server, "mx.example.net");
  ASSERT_EQ(a.results.size(), 3u);
  EXPECT_EQ(a.results[0].method, "dkim");
  EXPECT_EQ(a.results[0].result, "pass");
  EXPECT_EQ(a.results[0].property("header.d"), "example.org");
  EXPECT_EQ(a.results[0].property("header.b"), "Ab+/");
  EXPECT_EQ(a.results[1].result, "softfail");
  EXPECT_EQ(a.results[1].reason, "not listed; \"yet\"");
  EXPECT_EQ(a.results[1].property("smtp.mailfrom"), "a@example.org");
  EXPECT_EQ(a.results[2].result, "fail");
}

TEST(AuthenticationResults, NoneAndWithoutServer) {
  auto none = parse_authentication_results(" example.org 1; none");
  EXPECT_EQ(none.server, "example.org");
  EXPECT_TRUE(none.results.empty());
  auto microsoft = parse_authentication_results(
      "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.org; dkim=none (message not signed)\r\n "
      "header.d=none;dmarc=bestguesspass action=none header.from=example.org;compauth=pass reason=109");
  EXPECT_EQ(microsoft.server, "");
  ASSERT_EQ(microsoft.results.size(), 4u);
  EXPECT_EQ(microsoft.results[0].property("smtp.mailfrom"), "example.org");
  EXPECT_EQ(microsoft.results[3].reason, "109");
}

TEST(AuthenticationResults, Garbage) {
  EXPECT_TRUE(parse_authentication_results("").results.empty());
  EXPECT_TRUE(parse_authentication_results(";;;((((").results.empty());
  EXPECT_TRUE(parse_authentication_results("\"unclosed; dkim=pass").results.empty());
}

}  // namespace
}  // namespace smtpdx::mail
