// SPDX-License-Identifier: Apache-2.0
#pragma once

// One descriptor in the loop: coroutines wait for its readiness or read from it, each with a deadline.
//
// Everything real on this floor (streams, listeners, UDP, foreign descriptors) is built on this class, so that the hard
// parts exist once:
//  - A waiting coroutine may be destroyed. Waiters are nodes that unlink themselves; Asio's handlers hold a reference
//  to
//    the Watched, never to a coroutine.
//  - One timer for all waits. It is moved only when a wait ends earlier than the timer would fire; a wait that ends
//    in time costs no timer operation at all. When it fires it cancels the operations; each handler then finds out for
//    itself whether its waiter's time was up or whether it was merely hit, too, and goes on.
//  - Reads are Asio's own (it tries at once and needs no epoll_ctl); readiness waits cost one epoll_ctl each and are
//  for
//    the rare cases: connect, a full send buffer, accept.
//
// Only for the .cpp files of this floor: drags Asio in.

#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/basic_endpoint.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <coroutine>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "io/asio_runtime.hpp"

namespace smtpdx::io {

enum class Side { read, write };
enum class Woken { ready, timed_out, closed };
enum class Owner { ours, foreign };  ///< a foreign descriptor is never closed here
enum class Wake { all, one };        ///< one: a ready listener wakes one of many acceptors

/// A socket that Asio makes itself. For one that is handed to it Asio cannot know whether there are copies, and spends
/// an epoll_ctl on closing. Not "stream oriented" in its eyes: the orderly end is a read of no octets.
struct NewSocket {
  using endpoint = boost::asio::generic::basic_endpoint<NewSocket>;  ///< unused, but Asio wants one
  int address_family = AF_INET;
  int kind = SOCK_STREAM;
  int family() const { return address_family; }
  int type() const { return kind | SOCK_NONBLOCK | SOCK_CLOEXEC; }
  int protocol() const { return 0; }
};

class Watched : public boost::intrusive_ref_counter<Watched, boost::thread_unsafe_counter> {
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  struct Node : Hook {
    explicit Node(Deadline d) : until(d) {}
    std::coroutine_handle<> handle;
    Deadline until;
    Woken woken = Woken::closed;
  };
  using Nodes = boost::intrusive::list<Node, boost::intrusive::constant_time_size<false>>;

 public:
  Watched(AsioRuntime& runtime, int fd, Owner owner = Owner::ours);
  /// closed() where the system refused to make one: see `error`.
  Watched(AsioRuntime& runtime, NewSocket kind, boost::system::error_code& error);
  void set_wake(Wake wake) { wake_ = wake; }

  class [[nodiscard]] Wait : Node {
   public:
    Wait(Watched& watched, Side side, Deadline deadline) : Node(deadline), watched_(&watched), side_(side) {}
    bool await_ready() const noexcept { return watched_->closed_; }
    void await_suspend(std::coroutine_handle<> waiter);
    Woken await_resume() const noexcept { return woken; }

   private:
    boost::intrusive_ptr<Watched> watched_;
    Side side_;
  };
  /// Level-triggered: ready at once where the descriptor already is. `ready` may be spurious; try, then wait again.
  Wait wait(Side side, Deadline deadline) { return {*this, side, deadline}; }

  struct ReadResult {
    Woken woken;
    boost::system::error_code error;
    std::size_t size;  ///< 0 without an error: the orderly end
  };
  class [[nodiscard]] Read : Node {
   public:
    Read(Watched& watched, std::span<char> into, Deadline deadline) : Node(deadline), watched_(&watched), into_(into) {}
    Read(const Read&) = delete;
    ~Read();
    bool await_ready() const noexcept { return watched_->closed_; }
    void await_suspend(std::coroutine_handle<> waiter);
    ReadResult await_resume() const noexcept { return {woken, error_, size_}; }

   private:
    friend class Watched;
    boost::intrusive_ptr<Watched> watched_;
    std::span<char> into_;
    boost::system::error_code error_;
    std::size_t size_ = 0;
  };
  /// One at a time; stream descriptors only.
  Read read(std::span<char> into, Deadline deadline) { return {*this, into, deadline}; }

  int fd() { return closed_ ? -1 : socket_.native_handle(); }
  bool closed() const { return closed_; }
  /// Waiters are woken from the loop with Woken::closed.
  void close();

 private:
  struct OnWait;
  struct OnRead;
  struct OnTimer;
  void start_wait(Side side);
  void start_read();
  void on_wait(Side side, boost::system::error_code error);
  void on_read(std::uint32_t turn, boost::system::error_code error, std::size_t size);
  void on_timer(boost::system::error_code error);
  void arm(Deadline until);
  Nodes& nodes(Side side) { return waits_[static_cast<std::size_t>(side)].nodes; }

  struct Waits {
    Nodes nodes;
    bool in_flight = false;
  };

  AsioRuntime& runtime_;
  boost::asio::basic_stream_socket<NewSocket, boost::asio::io_context::executor_type> socket_;
  AsioRuntime::Timer timer_;
  TimePoint timer_at_;
  std::array<Waits, 2> waits_;
  Read* reading_ = nullptr;
  std::uint32_t read_turn_ = 0;  ///< tells a late handler of an abandoned read from that of the present one
  bool timer_armed_ = false;
  bool closed_ = false;
  Owner owner_ = Owner::ours;
  Wake wake_ = Wake::all;
};

using WatchedPtr = boost::intrusive_ptr<Watched>;

}  // namespace smtpdx::io
