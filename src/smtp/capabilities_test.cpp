// SPDX-License-Identifier: Apache-2.0
#include "smtp/capabilities.hpp"

#include <gtest/gtest.h>

namespace smtpdx::smtp {
namespace {

Capabilities parse(std::vector<std::string> lines) {
  Reply reply;
  reply.code = 250;
  reply.lines = std::move(lines);
  return parse_capabilities(reply);
}

TEST(Capabilities, ReadsNameAndKeywords) {
  auto c = parse({"mx.example.org greets you", "PIPELINING", "SIZE 10240000", "starttls", " 8BITMIME "});
  EXPECT_EQ(c.greeting_name, "mx.example.org");
  EXPECT_EQ(c.keywords, (std::vector<std::string>{"PIPELINING", "SIZE 10240000", "starttls", "8BITMIME"}));
  EXPECT_TRUE(c.pipelining());
  EXPECT_TRUE(c.starttls());
  EXPECT_TRUE(c.has("size"));
  EXPECT_FALSE(c.has("SIZE 10240000"));
  EXPECT_FALSE(c.has("PIPE"));
  EXPECT_FALSE(c.offers_auth());
}

TEST(Capabilities, ReadsBothAuthFormsOnce) {
  auto c = parse({"mx", "AUTH PLAIN login CRAM-MD5", "AUTH=LOGIN PLAIN", "AUTH =XOAUTH2", "AUTHX FOO", "AUTH"});
  EXPECT_EQ(c.auth, (std::vector<std::string>{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}));
  EXPECT_TRUE(c.offers_auth("plain"));
  EXPECT_FALSE(c.offers_auth("SCRAM-SHA-1"));
  EXPECT_TRUE(parse({"mx", "AUTH=LOGIN"}).has("AUTH"));
}

TEST(Capabilities, NothingOutOfNothing) {
  EXPECT_TRUE(parse({}).greeting_name.empty());
  EXPECT_TRUE(parse({""}).keywords.empty());
  EXPECT_FALSE(parse({"PIPELINING"}).pipelining());  // the first line is the name
}

}  // namespace
}  // namespace smtpdx::smtp
