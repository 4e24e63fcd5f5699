// SPDX-License-Identifier: Apache-2.0
#include "dns/gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <vector>

#include "io/group.hpp"

namespace smtpdx::dns {
namespace {

/// Something to wait for that the test ends by hand.
struct Signal {
  std::coroutine_handle<> waiter;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { waiter = self; }
  void await_resume() noexcept { waiter = {}; }
};

struct Room {
  Gate gate{2};
  std::list<Signal> signals;
  int inside = 0;
  int most = 0;
  std::vector<int> order;

  io::Task<void> visit(int who) {
    auto permit = gate.enter();
    co_await permit;
    most = std::max(most, ++inside);
    order.push_back(who);
    auto& signal = signals.emplace_back();
    co_await signal;
    --inside;
  }
  io::Task<int> pass(int who) {
    auto permit = gate.enter();
    co_await permit;
    order.push_back(who);
    co_return who;
  }
  io::Task<void> crowd(int size) {
    std::vector<io::Task<int>> all;
    for (int i = 0; i < size; ++i) all.push_back(pass(i));
    auto passed = co_await io::when_all(std::move(all));
  }
  void end_first() {
    auto it = std::ranges::find_if(signals, [](const Signal& s) { return static_cast<bool>(s.waiter); });
    ASSERT_NE(it, signals.end());
    it->waiter.resume();
  }
};

TEST(DnsGate, AdmitsNoMoreThanItsLimitInOrder) {
  Room room;
  io::Group group;
  for (int i = 0; i < 6; ++i) group.spawn(room.visit(i));
  EXPECT_EQ(room.inside, 2);
  for (int i = 0; i < 6; ++i) room.end_first();
  EXPECT_EQ(room.most, 2);
  EXPECT_EQ(room.order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(group.running(), 0U);
}

TEST(DnsGate, WaitersAndGuestsMayBeGivenUp) {
  Room room;
  io::Group staying;
  {
    io::Group leaving;
    leaving.spawn(room.visit(0));
    leaving.spawn(room.visit(1));
    leaving.spawn(room.visit(2));  // waits
    staying.spawn(room.visit(3));  // waits
    EXPECT_EQ(room.order.size(), 2U);
  }
  EXPECT_EQ(room.order.back(), 3);
  room.signals.back().waiter.resume();
  EXPECT_EQ(staying.running(), 0U);
}

TEST(DnsGate, ManyThatLeaveAtOnceDoNotRecurse) {
  Room room;
  io::Group group;
  group.spawn(room.visit(0));
  group.spawn(room.visit(1));
  constexpr int crowd = 60'000;
  group.spawn(room.crowd(crowd));
  room.end_first();
  EXPECT_EQ(room.order.size(), 2U + crowd);
}

}  // namespace
}  // namespace smtpdx::dns
