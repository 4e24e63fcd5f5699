// SPDX-License-Identifier: Apache-2.0
#include "io/connect_to.hpp"

#include <gtest/gtest.h>

#include "io/real.hpp"
#include "io/via.hpp"

namespace smtpdx::io {
namespace {

/// Remembers what it was asked for and refuses.
class Noting final : public Connector {
 public:
  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline) override {
    asked = request;
    co_return std::unexpected(IoFailure{Failure::refused, "noted"});
  }
  ConnectRequest asked;
};

std::string led_to(std::vector<std::string> rules, std::string host, std::string address, std::uint16_t port) {
  std::vector<ConnectToRule> parsed;
  for (const auto& rule : rules) parsed.push_back(*ConnectToRule::parse(rule));
  Noting noting;
  ConnectTo connector(noting, parsed);
  auto runtime = make_runtime();
  ConnectRequest request{{*IpAddress::parse(address), port}, host, {}};
  auto stream = run(*runtime, connector.connect(request, runtime->deadline_in(1s)));
  EXPECT_FALSE(stream);
  return noting.asked.to.to_string();
}

TEST(ConnectTo, ByNameAddressOrAnything) {
  EXPECT_EQ(led_to({"mx.example.org:25:127.0.0.1:2525"}, "MX.example.org.", "192.0.2.1", 25), "127.0.0.1:2525");
  EXPECT_EQ(led_to({"192.0.2.1:25:127.0.0.1:2525"}, "mx.example.org", "192.0.2.1", 25), "127.0.0.1:2525");
  EXPECT_EQ(led_to({"::127.0.0.1:2525"}, "mx.example.org", "192.0.2.1", 25), "127.0.0.1:2525");
  EXPECT_EQ(led_to({"[2001:db8::1]:25:[::1]:2525"}, "", "2001:db8::1", 25), "[::1]:2525");
}

TEST(ConnectTo, WhatDoesNotMatchStays) {
  EXPECT_EQ(led_to({"other.example:25:127.0.0.1:2525"}, "mx.example.org", "192.0.2.1", 25), "192.0.2.1:25");
  EXPECT_EQ(led_to({"mx.example.org:587:127.0.0.1:2525"}, "mx.example.org", "192.0.2.1", 25), "192.0.2.1:25");
}

TEST(ConnectTo, EmptyRightFieldsStay) {
  EXPECT_EQ(led_to({"mx.example.org:25::2525"}, "mx.example.org", "192.0.2.1", 25), "192.0.2.1:2525");
  EXPECT_EQ(led_to({"mx.example.org::127.0.0.1:"}, "mx.example.org", "192.0.2.1", 587), "127.0.0.1:587");
}

TEST(ConnectTo, TheFirstMatchCountsAndRulesDoNotChain) {
  EXPECT_EQ(led_to({"192.0.2.1:25:192.0.2.2:25", "192.0.2.2:25:192.0.2.3:25"}, "", "192.0.2.1", 25), "192.0.2.2:25");
}

TEST(ConnectTo, WhatIsNoRuleIsRefused) {
  for (const auto* text :
       {"", "a:25", "a:25:127.0.0.1", "a:25:127.0.0.1:25:9", "a:0:127.0.0.1:25", "a:25:127.0.0.1:99999",
        "a:x:127.0.0.1:25", "a:25:name.example:25", "[::1]:25", "[::1:25:127.0.0.1:25"}) {
    const auto rule = ConnectToRule::parse(text);
    EXPECT_FALSE(rule) << text;
    if (!rule) {
      EXPECT_EQ(rule.error().kind, ErrorKind::usage);
    }
  }
}

TEST(Via, ReadsBothKinds) {
  const auto socks = parse_via("socks5://alice:pa:ss@proxy.example:1081");
  ASSERT_TRUE(socks);
  EXPECT_EQ(socks->kind, Via::Kind::socks5);
  EXPECT_EQ(socks->at.host, "proxy.example");
  EXPECT_EQ(socks->at.port, 1081);
  EXPECT_EQ(socks->user, "alice");
  EXPECT_EQ(socks->password, "pa:ss");
  EXPECT_EQ(parse_via("SOCKS5H://127.0.0.1/")->at.port, 1080);
  const auto ssh = parse_via("ssh://alice@jump.example:2222");
  ASSERT_TRUE(ssh);
  EXPECT_EQ(ssh->kind, Via::Kind::ssh);
  EXPECT_EQ(ssh->user, "alice");
  EXPECT_EQ(ssh->at.port, 2222);
  EXPECT_EQ(parse_via("ssh://jump.example")->at.port, 0);
}

TEST(Via, RefusesWhatCouldMislead) {
  for (const auto* text : {"", "jump.example", "http://proxy.example:80", "ssh://", "ssh://-oProxyCommand=x",
                           "ssh://-l@host", "ssh://a;b@host", "socks5://proxy.example:x"}) {
    EXPECT_FALSE(parse_via(text)) << text;
  }
}

}  // namespace
}  // namespace smtpdx::io
