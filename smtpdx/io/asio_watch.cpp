// SPDX-License-Identifier: Apache-2.0
#include "io/asio_watch.hpp"

#include <boost/asio/buffer.hpp>
#include <cassert>

namespace smtpdx::io {

namespace asio = boost::asio;
using boost::system::error_code;

struct Watched::OnWait {
  WatchedPtr self;
  Side side;
  void operator()(error_code error) const { self->on_wait(side, error); }
};

struct Watched::OnRead {
  WatchedPtr self;
  std::uint32_t turn;
  void operator()(error_code error, std::size_t size) const { self->on_read(turn, error, size); }
};

struct Watched::OnTimer {
  WatchedPtr self;
  void operator()(error_code error) const { self->on_timer(error); }
};

Watched::Watched(AsioRuntime& runtime, int fd, Owner owner)
    : runtime_(runtime),
      socket_(runtime.context().get_executor()),
      timer_(runtime.context().get_executor()),
      owner_(owner) {
  // The family is of no consequence: Asio needs it for accept and connect, which are done by hand here.
  socket_.assign(NewSocket{}, fd);
}

Watched::Watched(AsioRuntime& runtime, NewSocket kind, error_code& error)
    : runtime_(runtime), socket_(runtime.context().get_executor()), timer_(runtime.context().get_executor()) {
  socket_.open(kind, error);
  closed_ = static_cast<bool>(error);
}

void Watched::Wait::await_suspend(std::coroutine_handle<> waiter) {
  handle = waiter;
  watched_->nodes(side_).push_back(*this);
  watched_->arm(until);
  watched_->start_wait(side_);
}

void Watched::start_wait(Side side) {
  auto& waits = waits_[static_cast<std::size_t>(side)];
  if (waits.in_flight) return;
  waits.in_flight = true;
  socket_.async_wait(side == Side::read ? asio::socket_base::wait_read : asio::socket_base::wait_write,
                     OnWait{this, side});
}

void Watched::on_wait(Side side, error_code error) {
  auto& waits = waits_[static_cast<std::size_t>(side)];
  waits.in_flight = false;
  Nodes woken;
  if (closed_) {
    woken.swap(waits.nodes);
  } else if (error == asio::error::operation_aborted) {
    const auto now = runtime_.now();
    for (auto it = waits.nodes.begin(); it != waits.nodes.end();) {
      auto& node = *it++;
      if (!node.until.passed(now)) continue;
      node.unlink();
      node.woken = Woken::timed_out;
      woken.push_back(node);
    }
  } else {
    while (!waits.nodes.empty()) {
      auto& node = waits.nodes.front();
      node.unlink();
      node.woken = Woken::ready;
      woken.push_back(node);
      if (wake_ == Wake::one) break;
    }
  }
  while (!woken.empty()) {  // a resumed coroutine may destroy others; they then leave the list by themselves
    auto handle = woken.front().handle;
    woken.pop_front();
    handle.resume();
  }
  if (!waits.nodes.empty() && !closed_) start_wait(side);
}

Watched::Read::~Read() {
  if (watched_->reading_ != this) return;
  watched_->reading_ = nullptr;
  ++watched_->read_turn_;
  error_code ignored;
  watched_->socket_.cancel(ignored);  // from here on nothing is written to the buffer
}

void Watched::Read::await_suspend(std::coroutine_handle<> waiter) {
  assert(watched_->reading_ == nullptr);
  handle = waiter;
  watched_->reading_ = this;
  watched_->arm(until);
  watched_->start_read();
}

void Watched::start_read() {
  socket_.async_read_some(asio::mutable_buffer(reading_->into_.data(), reading_->into_.size()),
                          OnRead{this, read_turn_});
}

void Watched::on_read(std::uint32_t turn, error_code error, std::size_t size) {
  if (turn != read_turn_ || reading_ == nullptr) {
    if (size > 0) close();  // octets went to a reader that is no more: the stream cannot be continued
    return;
  }
  if (error == asio::error::operation_aborted && !closed_) {
    if (!reading_->until.passed(runtime_.now())) return start_read();
    reading_->woken = Woken::timed_out;
  } else {
    reading_->woken = closed_ && error ? Woken::closed : Woken::ready;
  }
  reading_->error_ = error;
  reading_->size_ = size;
  std::exchange(reading_, nullptr)->handle.resume();
}

void Watched::arm(Deadline until) {
  if (timer_armed_ && timer_at_ <= until.at()) return;
  timer_armed_ = true;
  timer_at_ = until.at();
  timer_.expires_at(runtime_.on_clock(timer_at_));
  timer_.async_wait(OnTimer{this});
}

void Watched::on_timer(error_code error) {
  if (error || closed_) return;
  timer_armed_ = false;
  const auto now = runtime_.now();
  bool due = false;
  std::optional<Deadline> later;
  auto consider = [&](const Node& node) {
    if (node.until.passed(now)) {
      due = true;
    } else if (!later || node.until.at() < later->at()) {
      later = node.until;
    }
  };
  for (const auto& side : waits_)
    for (const auto& node : side.nodes) consider(node);
  if (reading_) consider(*reading_);
  if (due) {
    error_code ignored;
    socket_.cancel(ignored);  // the handlers sort out whose time was up
  }
  if (later) arm(*later);
}

void Watched::close() {
  if (closed_) return;
  closed_ = true;
  timer_.cancel();
  error_code ignored;
  if (owner_ == Owner::foreign) {
    socket_.release(ignored);
  } else {
    socket_.close(ignored);
  }
}

}  // namespace smtpdx::io
