// SPDX-License-Identifier: Apache-2.0
#pragma once

// Only for the .cpp files of this floor (and of others that speak Asio themselves): drags Asio in.

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "io/runtime.hpp"

namespace smtpdx::io {

/// Clock and loop of the real world. One thread; the io_context does without locks.
class AsioRuntime final : public Runtime {
 public:
  using Clock = std::chrono::steady_clock;
  using Timer =
      boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, boost::asio::io_context::executor_type>;

  explicit AsioRuntime(std::optional<WallTime> fixed_wall);
  TimePoint now() const override { return {Clock::now() - start_}; }
  WallTime wall() const override;
  Task<void> sleep_until(TimePoint at) override;
  void drive(const bool& done) override;

  boost::asio::io_context& context() { return context_; }
  /// The same instant on Asio's clock; points beyond its range are cut to a year from now.
  Clock::time_point on_clock(TimePoint at) const;
  /// Everything real is made for a real Runtime; another one here is a bug.
  static AsioRuntime& of(Runtime& runtime);

 private:
  boost::asio::io_context context_;
  Clock::time_point start_ = Clock::now();
  std::optional<WallTime> fixed_wall_;
};

}  // namespace smtpdx::io
