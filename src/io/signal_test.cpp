// SPDX-License-Identifier: Apache-2.0
#include "io/signal.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "io/group.hpp"
#include "io/real.hpp"

namespace smtpdx::io {
namespace {

using namespace std::chrono_literals;

Task<void> wait_and_tell(Signal& signal, Deadline deadline, int& woken, std::optional<bool>& how) {
  how = co_await signal.wait(deadline);
  ++woken;
}

TEST(Signal, WakesAllWhoWaitAndNobodyWhoComesLater) {
  auto runtime = make_runtime();
  Signal signal(*runtime);
  Group group;
  int woken = 0;
  std::optional<bool> first, second, later;
  group.spawn(wait_and_tell(signal, runtime->deadline_in(5s), woken, first));
  group.spawn(wait_and_tell(signal, runtime->deadline_in(5s), woken, second));
  signal.notify();
  group.spawn(wait_and_tell(signal, runtime->deadline_in(20ms), woken, later));
  const auto start = runtime->now();
  auto join = [&]() -> Task<bool> {
    co_await group.join();
    co_return true;
  };
  run(*runtime, join());
  EXPECT_EQ(woken, 3);
  EXPECT_EQ(first, true);
  EXPECT_EQ(second, true);
  EXPECT_EQ(later, false);
  EXPECT_LT(runtime->now() - start, 1s);
}

TEST(Signal, ThatIsGoneWakesWithFalse) {
  auto runtime = make_runtime();
  Group group;
  int woken = 0;
  std::optional<bool> how;
  {
    Signal signal(*runtime);
    group.spawn(wait_and_tell(signal, runtime->deadline_in(5s), woken, how));
  }
  auto join = [&]() -> Task<bool> {
    co_await group.join();
    co_return true;
  };
  run(*runtime, join());
  EXPECT_EQ(how, false);
}

TEST(Signal, AWaitMayBeAbandoned) {
  auto runtime = make_runtime();
  Signal signal(*runtime);
  int woken = 0;
  std::optional<bool> how;
  {
    Group group;
    group.spawn(wait_and_tell(signal, runtime->deadline_in(5s), woken, how));
  }
  signal.notify();
  EXPECT_EQ(woken, 0);
}

}  // namespace
}  // namespace smtpdx::io
