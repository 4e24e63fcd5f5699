// SPDX-License-Identifier: Apache-2.0
#include "io/watched.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace smtpdx::io {

Watched::Watched(Loop& loop, int fd, Owner owner) : loop_(loop), fd_(fd), owner_(owner) {
  if (loop_.watch(fd, *this)) return;
  const int error = errno;
  if (owner_ == Owner::ours) ::close(fd_);
  fd_ = -1;
  errno = error;
}

void Watched::Wait::await_suspend(std::coroutine_handle<> waiter) {
  handle = waiter;
  (side_ == Side::read ? watched_->readers_ : watched_->writers_).push_back(*this);
  watched_->keep_time(until);
}

/// One timer for all waits, moved only when one ends earlier than it would fire: a wait that ends in time costs
/// nothing, and the timer that fires for nobody is not set again.
void Watched::keep_time(Deadline until) {
  if (!Timer::is_linked() || until.at() < Timer::at) loop_.arm(*this, until.at());
}

void Watched::fire() {
  const auto now = loop_.now();
  std::optional<Deadline> later;
  wake_overdue(readers_, now, later);
  wake_overdue(writers_, now, later);
  if (later) keep_time(*later);
}

void Watched::wake_overdue(Nodes& nodes, TimePoint now, std::optional<Deadline>& later) {
  for (auto it = nodes.begin(); it != nodes.end();) {
    auto& node = static_cast<Node&>(*it++);
    if (node.until.passed(now)) {
      node.woken = Woken::timed_out;
      loop_.make_ready(node);
    } else if (!later || node.until.at() < later->at()) {
      later = node.until;
    }
  }
}

void Watched::wake_all(Nodes& nodes, Woken woken) {
  while (!nodes.empty()) {
    auto& node = static_cast<Node&>(nodes.front());
    node.woken = woken;
    loop_.make_ready(node);
  }
}

void Watched::on_events(std::uint32_t events) {
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (events & EPOLLERR) failed_ = true;
  if (broken || (events & EPOLLRDHUP)) ended_ = true;
  if (broken || (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI))) {
    readable_ = true;
    wake_all(readers_, Woken::ready);
  }
  if (broken || (events & EPOLLOUT)) wake_all(writers_, Woken::ready);
}

void Watched::close() {
  if (closed()) return;
  if (owner_ == Owner::foreign) {
    loop_.unwatch(fd_);
  } else {
    ::close(fd_);  // leaves the loop by itself
  }
  forget();
}

int Watched::release() {
  if (closed()) return -1;
  const int fd = fd_;
  loop_.unwatch(fd);
  forget();
  return fd;
}

void Watched::forget() {
  Timer::unlink();
  fd_ = -1;
  wake_all(readers_, Woken::closed);
  wake_all(writers_, Woken::closed);
}

}  // namespace smtpdx::io
