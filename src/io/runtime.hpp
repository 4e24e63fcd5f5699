// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>

#include "base/time.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

/// The clock and the loop that drives everything: real (make_runtime, epoll) or virtual (sim/). One thread.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall() const = 0;
  virtual Task<void> sleep_until(TimePoint at) = 0;
  /// Runs events until `done` is true. Asserts where nothing is left that could make it true.
  virtual void drive(const bool& done) = 0;

  Deadline deadline_in(Duration d) const { return Deadline(now() + d); }
};

namespace detail {
struct Root {
  struct promise_type {
    std::exception_ptr error;
    Root get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() { error = std::current_exception(); }
  };
  std::coroutine_handle<promise_type> handle;
};
template <class T>
Root run_root(Task<T>& task, std::optional<T>& out, std::exception_ptr& error, bool& done) {
  try {
    out.emplace(co_await task);
  } catch (...) {
    error = std::current_exception();
  }
  done = true;
}
}  // namespace detail

/// Runs one task to its end on the calling thread: the only way from ordinary code into coroutines.
template <class T>
T run(Runtime& runtime, Task<T> task) {
  std::optional<T> out;
  std::exception_ptr error;
  bool done = false;
  auto root = detail::run_root(task, out, error, done);
  root.handle.resume();
  if (!done) runtime.drive(done);
  root.handle.destroy();
  if (error) std::rethrow_exception(error);
  return std::move(*out);
}

}  // namespace smtpdx::io
