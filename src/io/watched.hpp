// SPDX-License-Identifier: Apache-2.0
#pragma once

// One descriptor in the loop. The rule of edge-triggered readiness holds for all that use it: try first; wait only
// after the system said EAGAIN (or where maybe_readable() says that it would).

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>

#include "base/time.hpp"
#include "io/loop.hpp"

namespace smtpdx::io {

enum class Side { read, write };
enum class Woken { ready, timed_out, closed };
enum class Owner { ours, foreign };  ///< a foreign descriptor is never closed here

class Watched final : public boost::intrusive_ref_counter<Watched, boost::thread_unsafe_counter>, private Timer {
  struct Node : Waiter {
    explicit Node(Deadline d) : until(d) {}
    Deadline until;
    Woken woken = Woken::closed;
  };

 public:
  /// closed() with errno where the loop cannot watch it. A connection must have been begun: epoll calls a socket that
  /// is neither connected nor connecting "hung up".
  Watched(Loop& loop, int fd, Owner owner = Owner::ours);
  Watched(const Watched&) = delete;
  ~Watched() { close(); }

  class [[nodiscard]] Wait : Node {
   public:
    Wait(Watched& watched, Side side, Deadline deadline) : Node(deadline), watched_(&watched), side_(side) {}
    bool await_ready() const noexcept { return watched_->closed(); }
    void await_suspend(std::coroutine_handle<> waiter);
    Woken await_resume() const noexcept { return woken; }

   private:
    boost::intrusive_ptr<Watched> watched_;
    Side side_;
  };
  /// Until the next change on that side. All who wait are woken, in the order in which they came; what they were woken
  /// for may be gone when their turn comes.
  Wait wait(Side side, Deadline deadline) { return {*this, side, deadline}; }

  int fd() const { return fd_; }
  bool closed() const { return fd_ < 0; }
  /// False where a read is known to find nothing: after EAGAIN, or after fewer octets than asked for (unless the other
  /// side has ended meanwhile, which is to be read, too).
  bool maybe_readable() const { return readable_; }
  void drained() { readable_ = ended_; }
  void nothing_there() { readable_ = false; }
  /// Whether epoll has reported an error on it: SO_ERROR is worth asking for.
  bool failed() const { return failed_; }
  /// Waiters are woken from the loop with Woken::closed.
  void close();
  /// The same, but the descriptor leaves the loop open and is the caller's. Before a copy of it goes to another
  /// process: epoll watches what the descriptor stands for, and would go on after our own close().
  int release();

  /// For the loop: epoll's event mask.
  void on_events(std::uint32_t events);

 private:
  using Nodes = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;
  void fire() override;
  void forget();
  void keep_time(Deadline until);
  void wake_all(Nodes& nodes, Woken woken);
  void wake_overdue(Nodes& nodes, TimePoint now, std::optional<Deadline>& later);

  Loop& loop_;
  int fd_;
  Owner owner_;
  bool readable_ = false;
  bool ended_ = false;
  bool failed_ = false;
  Nodes readers_;
  Nodes writers_;
};

using WatchedPtr = boost::intrusive_ptr<Watched>;

}  // namespace smtpdx::io
