// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the name servers of a scenario say, without I/O: one recursive resolver that sees everything, and authoritative
// servers that may each see something else ("@192.0.2.53 …" lines).

#include <optional>
#include <vector>

#include "dns/wire.hpp"
#include "mock/scenario.hpp"

namespace smtpdx::mock {

class DnsWorld {
 public:
  explicit DnsWorld(std::vector<DnsLine> lines);

  /// nullopt: no answer at all (TIMEOUT). `view` = the authoritative server that is asked; none = the resolver.
  std::optional<dns::wire::Message> answer(const dns::wire::Message& query, std::optional<IpAddress> view) const;
  /// Every address that lines with @ name, and the addresses of all names that NS records point at.
  std::vector<IpAddress> name_servers() const;

 private:
  struct Found {
    DnsLine::Failure failure = DnsLine::Failure::none;
    std::vector<const dns::Record*> records;
  };
  Found find(std::string_view name, dns::Type type, const std::optional<IpAddress>& view) const;
  bool exists(std::string_view name, const std::optional<IpAddress>& view) const;

  std::vector<DnsLine> lines_;
};

/// The octets of a response as UDP may carry them: truncated where they exceed what the query allows.
std::string for_udp(const dns::wire::Message& query, dns::wire::Message response);

}  // namespace smtpdx::mock
