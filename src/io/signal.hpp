// SPDX-License-Identifier: Apache-2.0
#pragma once

// For coroutines of one runtime that wait until something of ours has changed: what it is, they look at themselves.

#include <memory>

#include "io/runtime.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

class Signal {
 public:
  explicit Signal(Runtime& runtime);
  Signal(Signal&&) noexcept;
  /// Who still waits is woken, with false.
  ~Signal();

  /// Wakes all who wait now. Costs nothing where nobody does.
  void notify();
  /// True after a notify(), false when the deadline passed or the signal is gone. May be abandoned.
  Task<bool> wait(Deadline deadline);

  struct Waiters;  ///< opaque

 private:
  std::shared_ptr<Waiters> waiters_;
};

}  // namespace smtpdx::io
