// SPDX-License-Identifier: Apache-2.0
#pragma once

// The store, asked from the server's loop: its calls block, so they run on a thread of their own, and their outcome
// comes back as an event.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include "io/fd.hpp"
#include "io/group.hpp"
#include "io/real.hpp"
#include "io/signal.hpp"
#include "store/store_thread.hpp"

namespace smtpdx::web {

class Shelf {
 public:
  Shelf(io::Runtime& runtime, std::unique_ptr<store::Store> store);
  /// Waits until what was taken is done.
  ~Shelf();

  /// `work(store::Store&)` on the store's thread. The store's own errors, or `locked` where too much waits already.
  template <class Work>
  io::Task<std::invoke_result_t<Work, store::Store&>> ask(Work work) {
    using Outcome = std::invoke_result_t<Work, store::Store&>;
    struct State {
      explicit State(io::Runtime& runtime) : told(runtime) {}
      std::optional<Outcome> outcome;
      io::Signal told;
    };
    auto state = std::make_shared<State>(runtime_);
    const bool taken = thread_->ask(std::move(work), [this, state](Outcome outcome) mutable {
      deliver([state = std::move(state), outcome = std::move(outcome)]() mutable {
        state->outcome = std::move(outcome);
        state->told.notify();
      });
    });
    if (!taken)
      co_return store::troubled(store::Trouble::locked, "too much waits for the store", "try again in a moment");
    while (!state->outcome) co_await state->told.wait(runtime_.deadline_in(std::chrono::hours(1)));
    co_return std::move(*state->outcome);
  }

  /// The same, where nobody waits for the outcome. What the store cannot take is dropped; trouble() says so.
  template <class Work>
  void tell(Work work) {
    [[maybe_unused]] const bool taken = thread_->ask(std::move(work), [](auto) {});
  }

  std::optional<store::StoreError> trouble() const { return thread_->trouble(); }

 private:
  using Told = std::move_only_function<void()>;
  /// From the store's thread: `told` is called on the loop.
  void deliver(Told told);
  io::Task<void> pump();

  io::Runtime& runtime_;
  io::OwnedFd event_;
  std::unique_ptr<io::Readiness> ready_;
  std::mutex mutex_;
  std::deque<Told> told_;
  std::unique_ptr<store::StoreThread> thread_;
  io::Group group_;
};

}  // namespace smtpdx::web
