// SPDX-License-Identifier: Apache-2.0
#pragma once

// A piece of work that keeps a core busy for long, beside the loop: on a thread of its own.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <thread>
#include <type_traits>

#include "io/fd.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"
#include "io/task.hpp"

namespace smtpdx::web {

/// The outcome of `work()`, which must not throw. Whoever is abandoned waits for its end, so that it may refer to what
/// the caller holds. How many run at once, the caller bounds.
template <class Work>
io::Task<std::invoke_result_t<Work>> aside(io::Runtime& runtime, Work work) {
  const io::OwnedFd done(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  const auto ready = io::make_readiness(runtime, done.get());
  std::optional<std::invoke_result_t<Work>> outcome;
  std::jthread thread([&] {
    outcome = work();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(done.get(), &one, sizeof one);
  });
  bool told = false;
  while (!told) told = co_await ready->wait_readable(runtime.deadline_in(std::chrono::hours(1)));
  thread.join();
  co_return std::move(*outcome);
}

}  // namespace smtpdx::web
