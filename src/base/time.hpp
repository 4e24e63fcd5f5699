// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace smtpdx {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A point of monotonic time as the Runtime counts it (real or virtual); its zero means nothing.
struct TimePoint {
  Duration since_start{0};
  auto operator<=>(const TimePoint&) const = default;
  TimePoint operator+(Duration d) const { return {since_start + d}; }
  Duration operator-(TimePoint other) const { return since_start - other.since_start; }
};

/// Wall clock, UTC.
using WallTime = std::chrono::system_clock::time_point;

inline long long to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

/// An absolute limit, passed down and only ever shortened: `deadline.within(now, 5min)` is the earlier of both.
class Deadline {
 public:
  constexpr explicit Deadline(TimePoint at) : at_(at) {}
  TimePoint at() const { return at_; }
  bool passed(TimePoint now) const { return now >= at_; }
  Duration left(TimePoint now) const { return at_ > now ? at_ - now : Duration{0}; }
  Deadline within(TimePoint now, Duration limit) const {
    auto other = now + limit;
    return Deadline(other < at_ ? other : at_);
  }

 private:
  TimePoint at_;
};

}  // namespace smtpdx
