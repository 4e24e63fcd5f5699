// SPDX-License-Identifier: Apache-2.0
#pragma once

// The other end of io/door.hpp: opens sockets for a process that may not, each one only if the policy lets this very
// address pass. The process is taken for hostile: whatever it sends costs a bounded amount of work and memory.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

struct DoorVisit {
  enum class Transport { tcp, udp };
  Transport transport = Transport::tcp;
  Endpoint to = {};
  /// The name the process says the address came from. It may lie: for words, never for a decision in favour.
  std::string_view host = {};
};
/// Nothing where the visit may take place, else why not, in words for the user ("10.0.0.1 is a private address; …").
using DoorPolicy = std::function<std::optional<std::string>(const DoorVisit&)>;

struct DoorLimits {
  std::size_t at_once = 64;      ///< connections being opened
  std::size_t per_minute = 600;  ///< sockets handed over within any 60 seconds
  std::size_t in_all = 6000;     ///< sockets handed over in the process's life
  Duration patience = 300s;      ///< of one connection, however much more is asked for
};

class Doorkeeper {
 public:
  /// `fd` is a SOCK_SEQPACKET socket (io/pipe.hpp). How many of its sockets the process holds at once is bounded by its
  /// own limit of open files (seal/seal.hpp); what exceeds it, the kernel drops.
  Doorkeeper(Runtime& runtime, OwnedFd fd, DoorPolicy policy, DoorLimits limits = {});
  Doorkeeper(const Doorkeeper&) = delete;

  enum class End { closed, timed_out, misbehaved };
  /// Serves until the process closes its end, the deadline passes, or the process sends what is no request: then the
  /// socket is closed. What was being opened then is dropped. To be called once; may be abandoned.
  Task<End> serve(Deadline deadline);

  std::size_t handed_over() const { return handed_over_; }
  std::size_t refused() const { return refused_; }  ///< by policy or limits

 private:
  struct Impl;
  Runtime& runtime_;
  OwnedFd fd_;
  DoorPolicy policy_;
  DoorLimits limits_;
  std::size_t handed_over_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace smtpdx::io
