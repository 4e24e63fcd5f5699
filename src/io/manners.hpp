// SPDX-License-Identifier: Apache-2.0
#pragma once

// Manners toward hosts that are not ours: at most 2 connections at once, 10 connections and 15 refused recipients an
// address and minute. A server that sees more takes us for an attacker, and is right.
//
// Put it outermost, where the addresses are still those of the mail hosts (before --connect-to and --via change them).

#include <deque>
#include <map>
#include <memory>

#include "base/ip.hpp"
#include "io/net.hpp"
#include "io/runtime.hpp"

namespace smtpdx::io {

enum class Ownership { foreign, own };  ///< own: --i-own-this-server, no limit at all

struct MannersLimits {
  std::size_t connections_at_once = 2;
  std::size_t connections_a_minute = 10;
  std::size_t refused_rcpts_a_minute = 15;
};

/// `runtime` and `inner` must outlive it; its streams need not.
class Manners final : public Connector {
 public:
  Manners(Runtime& runtime, Connector& inner, Ownership ownership, MannersLimits limits = {});

  /// Waits for a free slot as long as the deadline allows. Failure::not_permitted, with the option's name, where none
  /// became free in time or where this minute's connections are used up: waiting that long is the caller's choice.
  /// A connection counts from its attempt on, refused ones too, and holds its slot until its stream is closed or gone.
  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override;

  /// A recipient was refused (5xx) by the host at that address.
  void note_refused_rcpt(IpAddress address);
  /// False where one more refusal would exceed the minute's share.
  bool may_ask_rcpt(IpAddress address);
  /// When the next connection to it may be begun: now, or when the oldest of the last minute's leaves it.
  TimePoint next_connection(IpAddress address);

 private:
  struct Account {
    std::shared_ptr<std::size_t> open = std::make_shared<std::size_t>(0);
    std::deque<TimePoint> connections;
    std::deque<TimePoint> refused_rcpts;
  };
  Task<bool> wait_for_slot(std::shared_ptr<std::size_t> open, Deadline deadline);
  void forget_old(std::deque<TimePoint>& times) const;

  Runtime& runtime_;
  Connector& inner_;
  Ownership ownership_;
  MannersLimits limits_;
  std::map<IpAddress, Account> accounts_;
};

}  // namespace smtpdx::io
