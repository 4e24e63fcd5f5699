// SPDX-License-Identifier: Apache-2.0
#include "io/manners.hpp"

#include <algorithm>

#include "io/wrapped_stream.hpp"

namespace smtpdx::io {
namespace {

constexpr Duration minute = 60s;

/// One of the connections at once. Shares the counter, so that a stream may outlive the Manners.
class Slot {
 public:
  explicit Slot(std::shared_ptr<std::size_t> open) : open_(std::move(open)) { ++*open_; }
  Slot(Slot&&) = default;
  Slot& operator=(Slot&&) = delete;
  ~Slot() { release(); }
  void release() {
    if (open_) --*open_;
    open_.reset();
  }

 private:
  std::shared_ptr<std::size_t> open_;
};

class HeldStream final : public WrappedStream {
 public:
  HeldStream(std::unique_ptr<Stream> inner, Slot slot) : WrappedStream(std::move(inner)), slot_(std::move(slot)) {}
  void close() override {
    WrappedStream::close();
    slot_.release();
  }

 private:
  Slot slot_;
};

IoFailure not_permitted(std::string what, const IpAddress& address) {
  return {Failure::not_permitted,
          std::move(what) + " to " + address.to_string() + " (--i-own-this-server lifts the limit)"};
}

}  // namespace

Manners::Manners(Runtime& runtime, Connector& inner, Ownership ownership, MannersLimits limits)
    : runtime_(runtime), inner_(inner), ownership_(ownership), limits_(limits) {}

Task<IoResult<std::unique_ptr<Stream>>> Manners::connect(ConnectRequest request, Deadline deadline) {
  if (ownership_ == Ownership::own) co_return co_await inner_.connect(std::move(request), deadline);
  const auto address = request.to.address;
  const auto open = accounts_[address].open;
  const bool free = co_await wait_for_slot(open, deadline);
  if (!free) {
    co_return std::unexpected(
        not_permitted("no more than " + std::to_string(limits_.connections_at_once) + " connections at once", address));
  }
  auto& made = accounts_[address].connections;
  forget_old(made);
  if (made.size() >= limits_.connections_a_minute) {
    co_return std::unexpected(not_permitted(
        "no more than " + std::to_string(limits_.connections_a_minute) + " connections a minute", address));
  }
  made.push_back(runtime_.now());
  Slot slot(open);
  auto stream = co_await inner_.connect(std::move(request), deadline);
  if (!stream) co_return std::unexpected(stream.error());
  co_return std::make_unique<HeldStream>(std::move(*stream), std::move(slot));
}

/// Looks again after an eighth of what was waited already: a slot is taken at most that much late, and a long wait
/// costs few wake-ups. Waking the waiter from a stream's destructor would be exact, but would run one diagnosis'
/// coroutines from within another's clean-up.
Task<bool> Manners::wait_for_slot(std::shared_ptr<std::size_t> open, Deadline deadline) {
  const auto begun = runtime_.now();
  while (*open >= limits_.connections_at_once) {
    const auto now = runtime_.now();
    if (deadline.passed(now)) co_return false;
    const auto pause = std::clamp<Duration>((now - begun) / 8, 1ms, 250ms);
    co_await runtime_.sleep_until(deadline.within(now, pause).at());
  }
  co_return true;
}

void Manners::forget_old(std::deque<TimePoint>& times) const {
  const auto now = runtime_.now();
  while (!times.empty() && now - times.front() >= minute) times.pop_front();
}

void Manners::note_refused_rcpt(IpAddress address) { accounts_[address].refused_rcpts.push_back(runtime_.now()); }

bool Manners::may_ask_rcpt(IpAddress address) {
  if (ownership_ == Ownership::own) return true;
  auto& refused = accounts_[address].refused_rcpts;
  forget_old(refused);
  return refused.size() < limits_.refused_rcpts_a_minute;
}

TimePoint Manners::next_connection(IpAddress address) {
  auto& made = accounts_[address].connections;
  forget_old(made);
  if (ownership_ == Ownership::own || made.size() < limits_.connections_a_minute) return runtime_.now();
  return made[made.size() - limits_.connections_a_minute] + minute;
}

}  // namespace smtpdx::io
