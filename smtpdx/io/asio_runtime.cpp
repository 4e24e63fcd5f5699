// SPDX-License-Identifier: Apache-2.0
#include "io/asio_runtime.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cassert>
#include <cstdio>
#include <cstdlib>

#include "io/real.hpp"

namespace smtpdx::io {
namespace {

/// Outlives both the coroutine (the handler may still be queued when it dies) and the handler.
struct Sleep : boost::intrusive_ref_counter<Sleep, boost::thread_unsafe_counter> {
  explicit Sleep(boost::asio::io_context& context) : timer(context.get_executor()) {}
  AsioRuntime::Timer timer;
  std::coroutine_handle<> sleeper;
};

class SleepAwaiter {
 public:
  SleepAwaiter(AsioRuntime& runtime, TimePoint at) : sleep_(new Sleep(runtime.context())) {
    sleep_->timer.expires_at(runtime.on_clock(at));
  }
  SleepAwaiter(const SleepAwaiter&) = delete;
  ~SleepAwaiter() {
    sleep_->sleeper = {};
    sleep_->timer.cancel();
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> sleeper) {
    sleep_->sleeper = sleeper;
    sleep_->timer.async_wait([sleep = sleep_](boost::system::error_code) {
      if (auto handle = std::exchange(sleep->sleeper, {})) handle.resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  boost::intrusive_ptr<Sleep> sleep_;
};

}  // namespace

AsioRuntime::AsioRuntime(std::optional<WallTime> fixed_wall)
    : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE), fixed_wall_(fixed_wall) {}

WallTime AsioRuntime::wall() const { return fixed_wall_ ? *fixed_wall_ : std::chrono::system_clock::now(); }

AsioRuntime::Clock::time_point AsioRuntime::on_clock(TimePoint at) const {
  const auto limit = now() + 24h * 366;
  return start_ + (at < limit ? at : limit).since_start;
}

Task<void> AsioRuntime::sleep_until(TimePoint at) {
  SleepAwaiter awaiter(*this, at);
  co_await awaiter;
}

void AsioRuntime::drive(const bool& done) {
  while (!done) {
    context_.restart();
    // One event may be long in coming; what came with it is run in the same breath (each entry into Asio costs).
    if (context_.run_one() == 0) {
      std::fputs("smtpdx: bug: a task waits for something that cannot happen\n", stderr);
      std::abort();
    }
    if (!done) context_.poll();
  }
}

AsioRuntime& AsioRuntime::of(Runtime& runtime) {
  auto* real = dynamic_cast<AsioRuntime*>(&runtime);
  assert(real != nullptr);
  return *real;
}

std::unique_ptr<Runtime> make_runtime(std::optional<WallTime> fixed_wall) {
  return std::make_unique<AsioRuntime>(fixed_wall);
}

}  // namespace smtpdx::io
