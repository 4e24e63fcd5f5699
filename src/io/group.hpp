// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tasks whose number is not known beforehand (a server's sessions), still with one owner: a Group ends them all when it
// dies. For a known number there is when_all (io/task.hpp).

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <list>
#include <utility>

#include "io/task.hpp"

namespace smtpdx::io {

class Group {
 public:
  Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  /// Destroys what still runs. What a task waits for must bear that (all waits of io/ do).
  ~Group() {
    joiner_ = {};
    for (auto& member : running_) member.frame.destroy();
    sweep();
  }

  /// Runs the task at once up to its first wait.
  void spawn(Task<void> task) {
    sweep();
    running_.push_back({std::move(task), {}});
    auto place = std::prev(running_.end());
    place->frame = run(*this, place).handle;
    place->frame.resume();
  }

  std::size_t running() const { return running_.size(); }

  /// Waits until nothing runs; the first exception that a task ended with is thrown here. One waiter at a time.
  Task<void> join() {
    Joined joined{*this};
    co_await joined;
    sweep();
    if (auto error = std::exchange(error_, {})) std::rethrow_exception(error);
  }

 private:
  struct Member {
    Task<void> task;
    std::coroutine_handle<> frame;
  };
  using Members = std::list<Member>;
  struct Frame {
    struct promise_type {
      Group* group = nullptr;
      Members::iterator place;
      promise_type(Group& g, Members::iterator p) : group(&g), place(p) {}
      struct Final {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
          auto& group = *h.promise().group;
          group.ended_.splice(group.ended_.end(), group.running_, h.promise().place);
          if (group.running_.empty() && group.joiner_) return std::exchange(group.joiner_, {});
          return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
      };
      Frame get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_always initial_suspend() const noexcept { return {}; }
      Final final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }  // run() catches everything
    };
    std::coroutine_handle<promise_type> handle;
  };
  struct Joined {
    Group& group;
    bool await_ready() const noexcept { return group.running_.empty(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { group.joiner_ = waiter; }
    void await_resume() const noexcept {}
    ~Joined() { group.joiner_ = {}; }
  };

  static Frame run(Group& group, Members::iterator place) {
    try {
      co_await place->task;
    } catch (...) {
      if (!group.error_) group.error_ = std::current_exception();
    }
  }
  /// Frees the frames of those that ended. Never from within one of them: only spawn() and join() call it, and a task
  /// that calls spawn() is not done.
  void sweep() {
    for (auto& member : ended_) member.frame.destroy();
    ended_.clear();
  }

  Members running_;
  Members ended_;  ///< their frames still stand
  std::coroutine_handle<> joiner_;
  std::exception_ptr error_;
};

}  // namespace smtpdx::io
