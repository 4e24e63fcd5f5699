// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "io/facts.hpp"
#include "io/task.hpp"

namespace smtpdx::io {

struct DatagramRequest {
  Endpoint to = {};
  std::string payload = {};              ///< at most 65,507 octets
  std::optional<IpAddress> source = {};  ///< --source
  /// Which datagrams count as the answer (same id, same question: RFC 5452 §9.1); others from that endpoint are ignored
  /// and the wait goes on. Without it the first one does.
  std::function<bool(std::string_view)> accept = {};
};

/// One question by UDP, one answer. No retries and no fall-back to TCP: those are the caller's.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  /// Sends once from a fresh socket with a random port (RFC 5452 §9.2) and waits for the first acceptable datagram from
  /// exactly `request.to`. refused = an ICMP "port unreachable" came back; timed_out = silence. Any number at once.
  virtual Task<IoResult<std::string>> exchange(DatagramRequest request, Deadline deadline) = 0;
};

/// Readability of a descriptor that some other library owns (libunbound's ub_fd).
class Readiness {
 public:
  virtual ~Readiness() = default;
  /// True as soon as there is something to read (at once where there already is), false when the deadline passed first.
  /// Several coroutines may wait at the same time: all of them are woken, in the order in which they came, so that the
  /// first may drain the descriptor and the others look whether their own answer was in it.
  virtual Task<bool> wait_readable(Deadline deadline) = 0;
};

}  // namespace smtpdx::io
