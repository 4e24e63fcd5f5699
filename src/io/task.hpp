// SPDX-License-Identifier: Apache-2.0
#pragma once

// A lazy coroutine with one owner: it starts when awaited and its frame dies with the Task that holds it. There is no
// detached work anywhere in smtpdx, so that a diagnosis that ends leaves nothing running.
//
// Why not asio::awaitable: a task here must also run in virtual time (io/runtime.hpp), by the hundred thousand worlds,
// and must not pull Asio into every header. What drives it stands behind io::Runtime; this type only links coroutines.
//
// Exceptions are bugs or exhausted memory; they pass through to whoever runs the root.

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace smtpdx::io {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr error;

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept {
      return h.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() { error = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle h) : handle_(h) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
      handle.promise().continuation = caller;
      return handle;
    }
    T await_resume() const { return handle.promise().take(); }
  };
  Awaiter operator co_await() const noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

/// Starts at once and reports to a counter; the frame is destroyed by its holder.
struct Child {
  struct promise_type {
    std::coroutine_handle<> parent = std::noop_coroutine();
    std::size_t* pending = nullptr;
    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
        auto& p = h.promise();
        if (--*p.pending == 0) return p.parent;
        return std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    Child get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const { std::terminate(); }  // run_child catches everything
  };
  std::coroutine_handle<promise_type> handle;
};

template <class T>
struct Slot {
  std::optional<T> value;
  std::exception_ptr error;
};

template <class T>
Child run_child(Task<T>& task, Slot<T>& slot) {
  try {
    slot.value.emplace(co_await task);
  } catch (...) {
    slot.error = std::current_exception();
  }
}

}  // namespace detail

/// Runs all at the same time (each up to its first wait, in order) and returns their results in the same order when the
/// last one is done. The first exception, if any, is rethrown after all have ended.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<detail::Slot<T>> slots(tasks.size());
  std::vector<detail::Child> children;
  children.reserve(tasks.size());
  std::size_t pending = tasks.size() + 1;  // one for the start itself, so that early finishers cannot resume us
  struct StartAll {
    std::vector<detail::Child>& children;
    std::size_t& pending;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> self) {
      for (auto& c : children) {
        c.handle.promise().parent = self;
        c.handle.promise().pending = &pending;
      }
      for (auto& c : children) c.handle.resume();
      return --pending != 0;
    }
    void await_resume() const noexcept {}
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) children.push_back(detail::run_child(tasks[i], slots[i]));
  StartAll start{children, pending};
  co_await start;
  std::vector<T> results;
  results.reserve(slots.size());
  std::exception_ptr error;
  for (auto& c : children) c.handle.destroy();
  for (auto& s : slots) {
    if (s.error && !error) error = s.error;
    if (s.value) results.push_back(std::move(*s.value));
  }
  if (error) std::rethrow_exception(error);
  co_return results;
}

}  // namespace smtpdx::io
