// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>
#include <queue>
#include <vector>

#include "io/runtime.hpp"

namespace smtpdx::sim {

/// Time that only passes when everybody waits: a minute of time-outs costs microseconds, and the same world runs the
/// same way, to the bit, on every machine. Waits that end at the same moment end in the order in which they began.
class VirtualRuntime final : public io::Runtime {
 public:
  TimePoint now() const override { return now_; }
  /// 2026-03-01 00:00 UTC and what has passed since.
  WallTime wall() const override;
  io::Task<void> sleep_until(TimePoint at) override;
  void drive(const bool& done) override;

  /// Awaitable of sleep_until without a coroutine frame of its own. The waiting coroutine must not be destroyed while
  /// it waits: io::Task has no detached work, and run() drives to the end.
  struct Wait {
    VirtualRuntime& runtime;
    TimePoint at;
    bool await_ready() const { return at <= runtime.now_; }
    void await_suspend(std::coroutine_handle<> waiter) { runtime.queue_.push({at, runtime.count_++, waiter}); }
    void await_resume() const {}
  };
  Wait until(TimePoint at) { return Wait{*this, at}; }
  std::uint64_t waits() const { return count_; }

 private:
  struct Event {
    TimePoint at;
    std::uint64_t number;
    std::coroutine_handle<> waiter;
    bool operator>(const Event& other) const { return at == other.at ? number > other.number : at > other.at; }
  };
  TimePoint now_;
  std::uint64_t count_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
};

}  // namespace smtpdx::sim
