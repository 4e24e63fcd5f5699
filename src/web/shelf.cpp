// SPDX-License-Identifier: Apache-2.0
#include "web/shelf.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace smtpdx::web {

Shelf::Shelf(io::Runtime& runtime, std::unique_ptr<store::Store> store)
    : runtime_(runtime),
      event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      ready_(io::make_readiness(runtime, event_.get())),
      thread_(std::make_unique<store::StoreThread>(std::move(store))) {
  group_.spawn(pump());
}

Shelf::~Shelf() { thread_.reset(); }

void Shelf::deliver(Told told) {
  {
    const std::lock_guard lock(mutex_);
    told_.push_back(std::move(told));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

io::Task<void> Shelf::pump() {
  for (;;) {
    const bool any = co_await ready_->wait_readable(runtime_.deadline_in(std::chrono::hours(1)));
    if (!any) continue;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(event_.get(), &count, sizeof count);
    std::deque<Told> told;
    {
      const std::lock_guard lock(mutex_);
      told.swap(told_);
    }
    for (auto& one : told) one();
  }
}

}  // namespace smtpdx::web
