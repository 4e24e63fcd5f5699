// SPDX-License-Identifier: Apache-2.0
#include "web/target_policy.hpp"

#include <algorithm>

namespace smtpdx::web {

using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t dns_port = 53;
/// A run's own manners (io/manners.hpp) allow ten; several at once are still no flood.
constexpr std::size_t connections_a_minute = 20;
constexpr std::size_t most_addresses = 10'000;

}  // namespace

Result<TargetPolicy> TargetPolicy::make(const std::vector<std::string>& allowed, std::uint16_t smtp_port) {
  TargetPolicy policy;
  policy.ports_ = {25, 26, 465, 587, 2525, 2587, smtp_port};
  auto addresses = AddressPolicy::allowing(allowed);
  if (!addresses) return std::unexpected(addresses.error());
  policy.addresses_ = std::move(*addresses);
  return policy;
}

bool TargetPolicy::is_trusted(const Endpoint& to) const {
  return std::any_of(trusted_.begin(), trusted_.end(),
                     [&](const Endpoint& t) { return t.address == to.address && (t.port == to.port || t.port == 0); });
}

std::optional<std::string> TargetPolicy::refuses(const io::DoorVisit& visit, TimePoint now) {
  if (is_trusted(visit.to)) return std::nullopt;
  if (auto why = addresses_.objection(visit.to.address))
    return *why + "; this server asks only the open Internet, and what --allow-target names at its start";
  const auto port = visit.to.port;
  if (port == dns_port) return std::nullopt;
  if (visit.transport == io::DoorVisit::Transport::udp || std::find(ports_.begin(), ports_.end(), port) == ports_.end())
    return "port " + std::to_string(port) + " is none of the ports of mail (25, 465, 587, 2525)";
  if (connections_.size() > most_addresses) connections_.clear();
  auto& times = connections_[visit.to.address];
  while (!times.empty() && times.front() + 60s < now) times.pop_front();
  if (times.size() >= connections_a_minute)
    return "this server has asked " + visit.to.address.to_string() + " often enough for this minute";
  times.push_back(now);
  return std::nullopt;
}

}  // namespace smtpdx::web
