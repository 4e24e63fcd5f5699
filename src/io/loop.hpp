// SPDX-License-Identifier: Apache-2.0
#pragma once

// The loop of the real world: epoll, timers, and a queue of coroutines that may go on.
//
// Why not Boost.Asio, which was here first: docs/decisions/004-event-loop.md (three to five system calls a connection,
// and with them the limit on CPU a probe).
//
// What makes it small: nothing is resumed while events are read. Events and timers only move waiting nodes to one
// queue, and the queue is then run; so no pointer can go stale under the loop's hands. Nodes unlink themselves when the
// coroutine that holds them is destroyed, so abandoning a wait needs no cancellation.
//
// For this floor's .cpp files; others see io/runtime.hpp.

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <chrono>
#include <coroutine>
#include <optional>

#include "io/runtime.hpp"

namespace smtpdx::io {

class Watched;

/// A coroutine that waits for something, or stands in the queue of those that go on.
struct Waiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::coroutine_handle<> handle;
};

/// Fires once, from the loop, not before `at`; gone with its object.
struct Timer : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  TimePoint at;
  virtual void fire() = 0;
  bool operator<(const Timer& other) const { return at < other.at; }

 protected:
  ~Timer() = default;
};

class Loop final : public Runtime {
 public:
  explicit Loop(std::optional<WallTime> fixed_wall);
  ~Loop() override;
  TimePoint now() const override { return {std::chrono::steady_clock::now() - start_}; }
  WallTime wall() const override;
  Task<void> sleep_until(TimePoint at) override;
  void drive(const bool& done) override;

  /// Everything real is made for a real Runtime; another one here is a bug.
  static Loop& of(Runtime& runtime);

  void arm(Timer& timer, TimePoint at);
  /// The waiter goes on soon; it leaves whatever list it is in.
  void make_ready(Waiter& waiter);
  /// Edge-triggered, both directions. False with errno where epoll cannot watch it.
  bool watch(int fd, Watched& watched);
  /// For a descriptor that stays open; one that is closed leaves by itself.
  void unwatch(int fd);

 private:
  void wait_for_events();
  int patience() const;
  void fire_timers();
  void run_ready(const bool& done);

  int epoll_ = -1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<WallTime> fixed_wall_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> ready_;
  boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> timers_;
};

}  // namespace smtpdx::io
