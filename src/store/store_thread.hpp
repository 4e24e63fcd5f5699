// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Store on a thread of its own, for a loop that must not wait. Jobs run one after the other in the order they came.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "store/store.hpp"

namespace smtpdx::store {

class StoreThread {
 public:
  using Job = std::move_only_function<void(Store&)>;

  explicit StoreThread(std::unique_ptr<Store> store, std::size_t longest_queue = 1000);
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;
  /// Does what is queued, then ends: nothing that was taken is dropped. Where the database hangs, each job takes its
  /// patience; after drop_queue() only the one that runs.
  ~StoreThread();

  /// From any thread. False, and the job has not run and never will, where the queue is full or the end has begun: say
  /// "busy" then. Jobs must not throw.
  [[nodiscard]] bool post(Job job);

  /// `done(work(store))`, both on the store's thread: `done` hands the outcome to the loop (an eventfd, a queue).
  template <class Work, class Done>
  [[nodiscard]] bool ask(Work work, Done done) {
    return post([work = std::move(work), done = std::move(done)](Store& store) mutable { done(work(store)); });
  }

  /// How the database did at the last job; see Store::trouble(). From any thread.
  std::optional<StoreError> trouble() const;
  /// Jobs that have not begun. From any thread.
  std::size_t waiting() const;
  /// Forgets what has not begun (their `done` is never called) and takes nothing more.
  void drop_queue();

 private:
  void work();

  std::unique_ptr<Store> store_;
  const std::size_t longest_queue_;
  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Job> queue_;
  std::optional<StoreError> trouble_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace smtpdx::store
