// SPDX-License-Identifier: Apache-2.0
#include "io/signal.hpp"

#include "io/loop.hpp"

namespace smtpdx::io {

struct Signal::Waiters {
  explicit Waiters(Loop& l) : loop(l) {}

  class Wait final : public Timer, public Waiter {
   public:
    Wait(Waiters& all, Deadline deadline) : all_(all), deadline_(deadline) {}
    bool await_ready() const noexcept { return all_.gone; }
    void await_suspend(std::coroutine_handle<> waiter) {
      handle = waiter;
      all_.nodes.push_back(*this);
      all_.loop.arm(*this, deadline_.at());
    }
    bool await_resume() const noexcept { return notified_; }
    void fire() override { all_.loop.make_ready(*this); }
    void wake(bool notified) {
      notified_ = notified;
      Timer::unlink();
      all_.loop.make_ready(*this);
    }
    static Wait& of(Waiter& node) { return static_cast<Wait&>(node); }

   private:
    Waiters& all_;
    Deadline deadline_;
    bool notified_ = false;
  };

  void wake_all(bool notified) {
    while (!nodes.empty()) Wait::of(nodes.front()).wake(notified);
  }

  Loop& loop;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> nodes;
  bool gone = false;
};

Signal::Signal(Runtime& runtime) : waiters_(std::make_shared<Waiters>(Loop::of(runtime))) {}
Signal::Signal(Signal&&) noexcept = default;

Signal::~Signal() {
  if (!waiters_) return;
  waiters_->gone = true;
  waiters_->wake_all(false);
}

void Signal::notify() { waiters_->wake_all(true); }

Task<bool> Signal::wait(Deadline deadline) {
  const auto waiters = waiters_;  // the signal may be gone before the wait is over
  Waiters::Wait wait(*waiters, deadline);
  co_return co_await wait;
}

}  // namespace smtpdx::io
