// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whom the runs of a server may ask: public addresses, on the ports of mail. It judges the very address that is about
// to be connected to, after all names have been resolved, in the process that connects; so it does not matter how the
// address was written, or what a name means a second later.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address_policy.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/doorkeeper.hpp"

namespace smtpdx::web {

class TargetPolicy {
 public:
  /// `allowed`: networks that may be asked although they are not public ("10.0.0.0/8"). `smtp_port`: a further port.
  /// Error usage for what is no network.
  static Result<TargetPolicy> make(const std::vector<std::string>& allowed, std::uint16_t smtp_port);

  /// What the server's own administrator named: its resolvers, the ends of --connect-to. No port means any.
  void trust(Endpoint endpoint) { trusted_.push_back(endpoint); }

  /// Those of mail, and the further one.
  const std::vector<std::uint16_t>& ports() const { return ports_; }

  /// Why this visit may not take place, for people; nothing where it may. Counts it.
  std::optional<std::string> refuses(const io::DoorVisit& visit, TimePoint now);

 private:
  TargetPolicy() = default;
  bool is_trusted(const Endpoint& to) const;

  AddressPolicy addresses_;
  std::vector<Endpoint> trusted_;
  std::vector<std::uint16_t> ports_;
  std::map<IpAddress, std::deque<TimePoint>> connections_;  ///< of the last minute, all runs together
};

}  // namespace smtpdx::web
