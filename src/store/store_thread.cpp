// SPDX-License-Identifier: Apache-2.0
#include "store/store_thread.hpp"

namespace smtpdx::store {

StoreThread::StoreThread(std::unique_ptr<Store> store, std::size_t longest_queue)
    : store_(std::move(store)),
      longest_queue_(longest_queue),
      trouble_(store_->trouble()),
      thread_([this]() noexcept { work(); }) {}

StoreThread::~StoreThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  news_.notify_one();
  thread_.join();
}

bool StoreThread::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || queue_.size() >= longest_queue_) return false;
    queue_.push_back(std::move(job));
  }
  news_.notify_one();
  return true;
}

std::optional<StoreError> StoreThread::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::size_t StoreThread::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void StoreThread::drop_queue() {
  std::deque<Job> dropped;  // destroyed outside the lock: jobs may own much
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    dropped.swap(queue_);
  }
  news_.notify_one();
}

void StoreThread::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job(*store_);
    const std::lock_guard lock(mutex_);
    trouble_ = store_->trouble();
  }
}

}  // namespace smtpdx::store
