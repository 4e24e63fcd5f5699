// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <map>
#include <utility>

#include "io/runtime.hpp"

namespace smtpdx::smtp::testing {

/// A Runtime whose clock stands still until every task waits, then jumps to the earliest waker: five minutes of
/// time-out cost nothing and the order of events is the same on every machine. One thread. A task destroyed while it
/// sleeps leaves nothing behind.
class VirtualRuntime final : public io::Runtime {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall() const override {
    return WallTime{} + std::chrono::hours(24 * 365 * 55) +
           std::chrono::duration_cast<WallTime::duration>(now_.since_start);
  }
  io::Task<void> sleep_until(TimePoint at) override { co_await Sleep(*this, at); }
  void drive(const bool& done) override {
    while (!done) {
      assert(!sleepers_.empty() && "every task waits and nobody would wake one");
      auto next = sleepers_.begin();
      if (next->first.first > now_) now_ = next->first.first;
      auto handle = next->second;
      sleepers_.erase(next);
      handle.resume();
    }
  }
  std::size_t sleeping() const { return sleepers_.size(); }

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;  // the number keeps the order of those that wake together

  class Sleep {
   public:
    Sleep(VirtualRuntime& runtime, TimePoint at) : runtime_(runtime), key_{at, 0} {}
    Sleep(const Sleep&) = delete;
    ~Sleep() {
      if (key_.second != 0) runtime_.sleepers_.erase(key_);
    }
    bool await_ready() const noexcept { return false; }  // even a passed time lets the others run first
    void await_suspend(std::coroutine_handle<> handle) {
      key_.second = ++runtime_.count_;
      runtime_.sleepers_.emplace(key_, handle);
    }
    void await_resume() const noexcept {}

   private:
    VirtualRuntime& runtime_;
    Key key_;
  };

  TimePoint now_{std::chrono::seconds(1)};
  std::uint64_t count_ = 0;
  std::map<Key, std::coroutine_handle<>> sleepers_;
};

}  // namespace smtpdx::smtp::testing
