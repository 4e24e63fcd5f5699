// SPDX-License-Identifier: Apache-2.0
#include "sim/virtual_runtime.hpp"

#include <cassert>

namespace smtpdx::sim {

WallTime VirtualRuntime::wall() const {
  using namespace std::chrono;
  return WallTime(seconds(1772323200)) + duration_cast<WallTime::duration>(now_.since_start);
}

io::Task<void> VirtualRuntime::sleep_until(TimePoint at) { co_await until(at); }

void VirtualRuntime::drive(const bool& done) {
  while (!done) {
    assert(!queue_.empty() && "somebody waits for what nothing will bring about");
    const auto event = queue_.top();
    queue_.pop();
    now_ = event.at;
    event.waiter.resume();
  }
}

}  // namespace smtpdx::sim
