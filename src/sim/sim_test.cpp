// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/play.hpp"
#include "sim/virtual_runtime.hpp"

namespace smtpdx::sim {
namespace {

io::Task<int> note(VirtualRuntime& runtime, std::vector<int>& order, int number, Duration after) {
  co_await runtime.sleep_until(runtime.now() + after);
  order.push_back(number);
  co_return number;
}

io::Task<int> all_of_them(VirtualRuntime& runtime, std::vector<int>& order) {
  std::vector<io::Task<int>> tasks;
  tasks.push_back(note(runtime, order, 1, 3s));
  tasks.push_back(note(runtime, order, 2, 1h));
  tasks.push_back(note(runtime, order, 3, 3s));
  tasks.push_back(note(runtime, order, 4, 0s));
  auto done = co_await io::when_all(std::move(tasks));
  co_return static_cast<int>(done.size());
}

TEST(VirtualRuntime, TimePassesOnlyWhereEverybodyWaits) {
  VirtualRuntime runtime;
  std::vector<int> order;
  EXPECT_EQ(io::run(runtime, all_of_them(runtime, order)), 4);
  EXPECT_EQ(order, (std::vector<int>{4, 1, 3, 2}));
  EXPECT_EQ(runtime.now().since_start, 1h);
}

struct Heard {
  std::string words;
  std::optional<io::Failure> end;
};

io::Task<Heard> listen(VirtualRuntime& runtime, VirtualNet& net, Endpoint to) {
  Heard heard;
  io::ConnectRequest request{to, "", std::nullopt};
  auto stream = co_await net.connect(request, runtime.deadline_in(5s));
  if (!stream) {
    heard.end = stream.error().kind;
    co_return heard;
  }
  char buffer[200];
  for (;;) {
    auto count = co_await (*stream)->read_some(buffer, runtime.deadline_in(5s));
    if (!count) {
      heard.end = count.error().kind;
      co_return heard;
    }
    heard.words.append(buffer, *count);
  }
}

Internet two_hosts() {
  Internet internet;
  internet.here4 = *IpAddress::parse("192.0.2.1");
  Service greeter;
  greeter.at = {*IpAddress::parse("192.0.2.25"), 25};
  greeter.policy.name = "mx.example";
  greeter.policy.behaviour[mock::Moment::connect].end = mock::Behaviour::End::close;
  greeter.policy.behaviour[mock::Moment::connect].after_reply = true;
  greeter.policy.behaviour[mock::Moment::connect].per_octet = 10ms;
  internet.services.push_back(greeter);
  greeter.at.port = 465;
  greeter.policy.implicit_tls = true;
  internet.services.push_back(greeter);
  return internet;
}

TEST(VirtualNet, AServerDripsAndHangsUp) {
  VirtualRuntime runtime;
  const auto internet = two_hosts();
  VirtualNet net(runtime, internet);
  const auto heard = io::run(runtime, listen(runtime, net, internet.services[0].at));
  EXPECT_EQ(heard.words, "220 mx.example ESMTP\r\n");
  EXPECT_EQ(heard.end, io::Failure::closed);
}

TEST(VirtualNet, PlainTextMeetsSilenceWhereTlsIsExpected) {
  VirtualRuntime runtime;
  const auto internet = two_hosts();
  VirtualNet net(runtime, internet);
  const auto heard = io::run(runtime, listen(runtime, net, internet.services[1].at));
  EXPECT_EQ(heard.words, "");
  EXPECT_EQ(heard.end, io::Failure::timed_out);
}

TEST(VirtualNet, NobodyListensAndNobodyIsThere) {
  VirtualRuntime runtime;
  const auto internet = two_hosts();
  VirtualNet net(runtime, internet);
  EXPECT_EQ(io::run(runtime, listen(runtime, net, {internet.services[0].at.address, 26})).end, io::Failure::refused);
  EXPECT_EQ(io::run(runtime, listen(runtime, net, {*IpAddress::parse("192.0.2.99"), 25})).end, io::Failure::timed_out);
}

TEST(World, TheSameSeedReplaysToTheBit) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto first = play(make_world(seed), kb::Catalogue::builtin(), Detail::transcript);
    const auto second = play(make_world(seed), kb::Catalogue::builtin(), Detail::transcript);
    EXPECT_EQ(first.transcript, second.transcript) << seed;
  }
}

TEST(World, EveryKindIsMade) {
  const auto names = kinds();
  EXPECT_GE(names.size(), 40u);
  for (auto name : names) EXPECT_EQ(make_world(7, name).kind, name);
}

/// The comparison itself must be able to fail: a truth in which nothing is so turns a right proof into a wrong one.
TEST(Play, AWrongProofIsSeen) {
  auto world = make_world(3, "S20.log");
  ASSERT_EQ(world.truth.proof, "submit.auth_swallowed_then_anonymous");
  EXPECT_TRUE(play(world, kb::Catalogue::builtin(), Detail::verdict).proved);
  world.truth.may.clear();
  const auto outcome = play(world, kb::Catalogue::builtin(), Detail::verdict);
  EXPECT_EQ(outcome.wrong, (std::vector<std::string>{"submit.auth_swallowed_then_anonymous"}));
}

}  // namespace
}  // namespace smtpdx::sim
