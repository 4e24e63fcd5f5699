// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "dns/exchange.hpp"
#include "dns/gate.hpp"
#include "dns/resolver.hpp"
#include "dns/upstream.hpp"
#include "trace/log.hpp"

namespace smtpdx::dns {

/// The Resolver of a run: remembers what was settled, lets equal questions that are under way share one look-up, and
/// writes every question that really went out to a channel "dns#N" with its answer as the last line.
///
/// At most 200 questions are out at once: more at a time overflow the receive buffer of a name server, and a lost
/// packet costs a second and a half.
///
/// A time-out is not remembered: who asks again asks anew. No TTL is counted, a run is shorter than any that matters;
/// evidence of a remembered answer points at the conversation it came from.
class CachingResolver : public Resolver {
 public:
  CachingResolver(Doors doors, std::unique_ptr<Upstream> upstream, trace::Log& log);
  io::Task<Answer> query(std::string name, Type type, Deadline deadline) override;
  io::Task<Answer> ask_server(Endpoint server, std::string name, Type type, Deadline deadline) override;

 private:
  /// A question of this run; those who wait for somebody else's look-up are parked here.
  struct Entry {
    std::optional<Answer> settled;
    std::optional<Deadline> under_way;  ///< of the one who asks
    std::optional<Answer> last;         ///< what the last look-up came to, settled or not; none where it was given up
    std::list<std::coroutine_handle<>> parked;
  };
  /// Suspends until the look-up under way has ended.
  class Park {
   public:
    explicit Park(Entry& entry) : entry_(entry) {}
    Park(const Park&) = delete;
    ~Park() {
      if (waiting_) entry_.parked.erase(place_);
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) {
      place_ = entry_.parked.insert(entry_.parked.end(), self);
      waiting_ = true;
    }
    void await_resume() noexcept { waiting_ = false; }

   private:
    Entry& entry_;
    std::list<std::coroutine_handle<>>::iterator place_;
    bool waiting_ = false;
  };

  /// Held by the one who asks: wakes the others when it goes, be it that the answer came or that the one who asks was
  /// given up.
  struct Leading {
    Entry& entry;
    ~Leading() {
      entry.under_way.reset();
      wake(entry);
    }
  };

  static void wake(Entry& entry);
  io::Task<Answer> look_up(wire::Question question, Deadline deadline);
  trace::Channel& open_channel(const wire::Question& question, const std::string& peer);
  void close_channel(trace::Channel& channel, TimePoint started, Answer& answer);

  io::Runtime& runtime_;
  Exchanger exchanger_;
  std::unique_ptr<Upstream> upstream_;
  trace::Log& log_;
  Gate gate_;
  std::map<std::pair<std::string, Type>, Entry> entries_;  // entries stay where they are
};

/// One line that says all that matters of an answer: "NOERROR secure, 10 mx.example.org, 20 mx2.example.org".
std::string summary(const Answer& answer);

}  // namespace smtpdx::dns
