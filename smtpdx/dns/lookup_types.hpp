// SPDX-License-Identifier: Apache-2.0
#pragma once

// Results of the usual mail look-ups, as plain values (no resolver here: judging floors hold these).

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "dns/answer.hpp"

namespace smtpdx::dns {

/// Where a domain says its mail goes (RFC 5321 §5.1).
struct MxLookup {
  std::string domain;  ///< canonical
  Answer answer;       ///< to the MX question
  struct Host {
    std::uint16_t preference = 0;
    std::string name;  ///< canonical
  };
  std::vector<Host> hosts;  ///< by preference; for an implicit MX the domain itself
  bool null_mx = false;     ///< RFC 7505: takes no mail
  bool implicit = false;    ///< no MX record was seen to exist, so the domain's own address counts (§5.1)
};

/// All addresses of a host, both families asked at once.
struct AddressLookup {
  std::string host;  ///< canonical
  Answer v4, v6;
  std::vector<IpAddress> addresses;  ///< v6 and v4 as received, v4 first
};

/// PTR names and which of them point back (FCrDNS, RFC 8601 §2.7.3 "iprev").
struct ReverseLookup {
  IpAddress address;
  Answer ptr;
  std::vector<std::string> names;      ///< of the PTR records, at most 5 looked at
  std::vector<std::string> confirmed;  ///< those whose own addresses hold `address`
};

}  // namespace smtpdx::dns
