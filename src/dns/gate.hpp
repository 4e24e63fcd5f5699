// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <list>

namespace smtpdx::dns {

/// Lets at most `limit` coroutines be inside at once; the others wait in the order in which they came. All waits may be
/// abandoned (their frames destroyed). It has no clock: who is inside leaves by a deadline of its own.
///
///   auto permit = gate.enter();
///   co_await permit;            // leaves when `permit` dies
class Gate {
 public:
  explicit Gate(std::size_t limit) : free_(limit) {}
  Gate(const Gate&) = delete;

  class Permit {
   public:
    explicit Permit(Gate& gate) : gate_(gate) {}
    Permit(const Permit&) = delete;
    ~Permit() {
      if (state_ == State::waiting) gate_.waiting_.erase(place_);
      if (state_ == State::inside || state_ == State::admitted) gate_.leave();
    }
    bool await_ready() noexcept {
      if (gate_.free_ == 0 || !gate_.waiting_.empty()) return false;
      --gate_.free_;
      state_ = State::inside;
      return true;
    }
    void await_suspend(std::coroutine_handle<> self) {
      self_ = self;
      place_ = gate_.waiting_.insert(gate_.waiting_.end(), this);
      state_ = State::waiting;
    }
    void await_resume() noexcept { state_ = State::inside; }

   private:
    friend class Gate;
    enum class State { outside, waiting, admitted, inside };
    Gate& gate_;
    State state_ = State::outside;
    std::coroutine_handle<> self_;
    std::list<Permit*>::iterator place_;
  };

  Permit enter() { return Permit(*this); }

 private:
  void leave() {
    ++free_;
    if (admitting_) return;  // the loop below, further up the stack, sees it: no recursion however many leave at once
    admitting_ = true;
    while (free_ > 0 && !waiting_.empty()) {
      auto* next = waiting_.front();
      waiting_.pop_front();
      --free_;
      next->state_ = Permit::State::admitted;
      next->self_.resume();
    }
    admitting_ = false;
  }

  std::size_t free_;
  bool admitting_ = false;
  std::list<Permit*> waiting_;
};

}  // namespace smtpdx::dns
