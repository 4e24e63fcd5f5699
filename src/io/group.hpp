// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tasks whose number is not known beforehand (a server's sessions), still with one owner: a Group ends them all when it
// dies. For a known number there is when_all (io/task.hpp).

#include <coroutine>
#include <cstddef>
#include <exception>
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
    for (auto& member : members_) member.frame.destroy();
  }

  /// Runs the task at once up to its first wait.
  void spawn(Task<void> task) {
    sweep();
    auto& member = members_.emplace_back(Member{std::move(task), {}, false});
    ++running_;
    member.frame = run(*this, member).handle;
    member.frame.resume();
  }

  std::size_t running() const { return running_; }

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
    bool done = false;
  };
  struct Frame {
    struct promise_type {
      Group* group = nullptr;
      promise_type(Group& g, Member&) : group(&g) {}
      struct Final {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
          auto& group = *h.promise().group;
          if (--group.running_ == 0 && group.joiner_) return std::exchange(group.joiner_, {});
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
    bool await_ready() const noexcept { return group.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { group.joiner_ = waiter; }
    void await_resume() const noexcept {}
    ~Joined() { group.joiner_ = {}; }
  };

  static Frame run(Group& group, Member& member) {
    try {
      co_await member.task;
    } catch (...) {
      if (!group.error_) group.error_ = std::current_exception();
    }
    member.done = true;
  }
  /// Frees the frames of those that ended. Never from within one of them: only spawn() and join() call it, and a task
  /// that calls spawn() is not done.
  void sweep() {
    for (auto it = members_.begin(); it != members_.end();) {
      if (it->done && it->frame) {
        it->frame.destroy();
        it = members_.erase(it);
      } else {
        ++it;
      }
    }
  }

  std::list<Member> members_;
  std::coroutine_handle<> joiner_;
  std::exception_ptr error_;
  std::size_t running_ = 0;
};

}  // namespace smtpdx::io
