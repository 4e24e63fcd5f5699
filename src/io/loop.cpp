// SPDX-License-Identifier: Apache-2.0
#include "io/loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "io/real.hpp"
#include "io/watched.hpp"

namespace smtpdx::io {
namespace {

class Sleep final : public Timer {
 public:
  Sleep(Loop& loop, TimePoint at) : loop_(loop), until_(at) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> sleeper) {
    waiter_.handle = sleeper;
    loop_.arm(*this, until_);
  }
  void await_resume() const noexcept {}
  void fire() override { loop_.make_ready(waiter_); }

 private:
  Loop& loop_;
  TimePoint until_;
  Waiter waiter_;
};

[[noreturn]] void bug(const char* what) {
  std::fprintf(stderr, "smtpdx: bug: %s\n", what);
  std::abort();
}

}  // namespace

Loop::Loop(std::optional<WallTime> fixed_wall) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), fixed_wall_(fixed_wall) {
  if (epoll_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
}

Loop::~Loop() { ::close(epoll_); }

WallTime Loop::wall() const { return fixed_wall_ ? *fixed_wall_ : std::chrono::system_clock::now(); }

Task<void> Loop::sleep_until(TimePoint at) {
  Sleep sleep(*this, at);
  co_await sleep;
}

Loop& Loop::of(Runtime& runtime) {
  auto* real = dynamic_cast<Loop*>(&runtime);
  assert(real != nullptr);
  return *real;
}

void Loop::arm(Timer& timer, TimePoint at) {
  timer.unlink();
  timer.at = at;
  timers_.insert(timer);
}

void Loop::make_ready(Waiter& waiter) {
  waiter.unlink();
  ready_.push_back(waiter);
}

bool Loop::watch(int fd, Watched& watched) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watched;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::unwatch(int fd) {
  epoll_event unused{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused);
}

void Loop::drive(const bool& done) {
  while (!done) {
    wait_for_events();
    fire_timers();
    run_ready(done);
  }
}

/// Milliseconds that epoll may sleep: none while somebody can go on, rounded up so that no timer finds itself early.
int Loop::patience() const {
  if (!ready_.empty()) return 0;
  const auto left = std::clamp<Duration>(timers_.begin()->at - now(), 0s, 1h);
  return static_cast<int>(to_ms(left + 999'999ns));
}

void Loop::wait_for_events() {
  // Every wait has a deadline, hence a timer.
  if (ready_.empty() && timers_.empty()) bug("a task waits for something that cannot happen");
  std::array<epoll_event, 256> events;
  const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience());
  for (int i = 0; i < n; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<Watched*>(event.data.ptr)->on_events(event.events);
  }
}

void Loop::fire_timers() {
  if (timers_.empty()) return;
  const auto time = now();
  while (!timers_.empty() && timers_.begin()->at <= time) {
    auto& timer = *timers_.begin();
    timer.unlink();
    timer.fire();
  }
}

/// A bound, so that coroutines which always find something to do cannot keep the others' events from being read.
void Loop::run_ready(const bool& done) {
  for (int i = 0; i < 1024 && !ready_.empty() && !done; ++i) {
    auto handle = ready_.front().handle;
    ready_.pop_front();
    handle.resume();
  }
}

std::unique_ptr<Runtime> make_runtime(std::optional<WallTime> fixed_wall) { return std::make_unique<Loop>(fixed_wall); }

}  // namespace smtpdx::io
