// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sealed child that reads what strangers wrote: mails, replies, logs. It serves many requests, one after the other.
// Where it breaks, the request at which it broke gets an error, a new child is started, and the others go there.

#include <deque>
#include <memory>
#include <string>

#include "io/group.hpp"
#include "io/signal.hpp"
#include "seal/child.hpp"
#include "seal/frames.hpp"
#include "web/answer.hpp"

namespace smtpdx::web {

class Reader {
 public:
  explicit Reader(io::Runtime& runtime);
  ~Reader();

  /// Starts the child, if none runs: so that the first request need not wait for it.
  Result<void> start();
  /// One of protocol.hpp's questions to a reader. A problem document where the child gives one, breaks, or takes longer
  /// than half a minute.
  io::Task<Answer> ask(std::uint8_t question, std::string_view octets);

  /// After faults; a reader that has served its time is replaced without being counted.
  std::size_t restarts() const { return restarts_; }

 private:
  struct Waiting;
  struct Process;
  io::Task<void> listen(std::shared_ptr<Process> process);
  bool is_worn(const Process& process) const;
  static void retire(Process& process);
  void fail_first(Process& process, std::string words);

  io::Runtime& runtime_;
  std::shared_ptr<Process> process_;
  std::size_t restarts_ = 0;
  io::Group group_;
};

}  // namespace smtpdx::web
