// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who is trusted by address: mynetworks, or what mynetworks_style makes of the server's own addresses.

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "mta/postfix/match_list.hpp"
#include "mta/session.hpp"

namespace smtpdx::mta::postfix {

using mta::OwnAddress;

struct Trust {
  Answer answer = Answer::no;
  std::string why;  ///< "10.1.2.3 is in 10.1.0.0/16 (main.cf:5 mynetworks)"; where unknown: what would have to be known
  Where where;
  bool broken = false;  ///< where unknown: Postfix answers every such client with an error of its own
};

struct Client {
  IpAddress address;
  std::optional<std::string> name;  ///< verified by PTR and back; "unknown" where it has none; nullopt: not known to us
};

/// `own` empty: nobody told the server's addresses. IPv4-mapped clients count as IPv4, as in Postfix.
Trust trusted(const Parameters& parameters, Tables& tables, const std::vector<OwnAddress>& own, const Client& client);

/// Is the address one that the server listens on (inet_interfaces, proxy_interfaces)?
Answer is_own(const Parameters& parameters, const std::vector<OwnAddress>& own, const IpAddress& address);

}  // namespace smtpdx::mta::postfix
