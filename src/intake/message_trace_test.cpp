// SPDX-License-Identifier: Apache-2.0
#include "intake/message_trace.hpp"

#include <gtest/gtest.h>

namespace smtpdx::intake {
namespace {

const std::string head = "date_time_utc,event_id,message_id,recipient_address,recipient_status,custom_data\r\n";

std::string row(const std::string& id, const std::string& recipient, const std::string& data) {
  return "2026-11-23T10:12:09Z,SENDEXTERNAL," + id + "," + recipient + ",\"550 5.7.367 a, b\",\"" + data + "\"\r\n";
}

diag::MessageTraceFact read(const std::string& csv, std::string_view bounce = "Message-ID: <m1@sender.example>") {
  auto fact = read_message_trace("trace.csv", csv, {"bob@target.example", bounce});
  EXPECT_TRUE(fact) << (fact ? "" : fact.error().message);
  return fact ? *fact : diag::MessageTraceFact();
}

TEST(MessageTrace, ThePoolOfTheBouncedMessage) {
  const auto fact = read(head + row("<m0@sender.example>", "bob@target.example", "S:OutboundIpPoolName=Other") +
                         row("<m1@sender.example>", "bob@target.example",
                             "S:PrioritizationReason=x;S:OutboundIpPoolName=RegularRelayOutboundPool;S:y=1"));
  EXPECT_TRUE(fact.same_message);
  EXPECT_EQ(fact.message_id, "<m1@sender.example>");
  EXPECT_EQ(fact.rows, 1u);
  EXPECT_EQ(fact.pools, std::vector<std::string>{"RegularRelayOutboundPool"});
  EXPECT_EQ(fact.line, 3u);
}

TEST(MessageTrace, AnotherMessageIsNotThisOne) {
  const auto fact =
      read(head + row("<m2@sender.example>", "bob@target.example", "OutboundIpPoolName: RegularRelayOutboundPool"));
  EXPECT_FALSE(fact.same_message);
  EXPECT_EQ(fact.rows, 1u);
}

TEST(MessageTrace, OtherRecipientsDoNotCount) {
  const auto fact = read(head + row("<m1@sender.example>", "bigbob@target.example", "OutboundIpPoolName=A") +
                         row("<m1@sender.example>", "bob@target.example.net", "OutboundIpPoolName=B"));
  EXPECT_EQ(fact.rows, 0u);
  EXPECT_FALSE(fact.same_message);
}

TEST(MessageTrace, OwnColumnSemicolonsAndSeveralRecipients) {
  const auto fact = read(
      "Message ID;Recipients;OutboundIpPoolName\n<m1@sender.example>;\"x@y.example;BOB@target.example##Fail\";"
      "RegularRelayOutboundPool\n");
  EXPECT_EQ(fact.pools, std::vector<std::string>{"RegularRelayOutboundPool"});
}

TEST(MessageTrace, Utf16) {
  std::string wide = "\xff\xfe";
  for (char c : head + row("<m1@sender.example>", "bob@target.example", "OutboundIpPoolName=RegularRelayOutboundPool"))
    wide += std::string{c, '\0'};
  EXPECT_EQ(read(wide).pools.size(), 1u);
}

TEST(MessageTrace, SeveralPoolsAreAllNamed) {
  const auto fact = read(head + row("<m1@sender.example>", "bob@target.example", "OutboundIpPoolName=One") +
                         row("<m1@sender.example>", "bob@target.example", "OutboundIpPoolName=Two"));
  EXPECT_EQ(fact.pools, (std::vector<std::string>{"One", "Two"}));
}

TEST(MessageTrace, NoTraceAtAll) {
  for (const char* text : {"", "\xff\xfe", "a,b,c\n1,2,3\n", "recipient_address\nbob@target.example\n"})
    EXPECT_EQ(read_message_trace("x", text, {"bob@target.example", ""}).error().kind, ErrorKind::malformed) << text;
}

}  // namespace
}  // namespace smtpdx::intake
