// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the usual questions about mail hosts came to, as plain values: no resolver here, so that judging floors may hold
// them. They are made by dns/lookup.hpp.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "dns/answer.hpp"

namespace smtpdx::dns {

/// A and AAAA of one host, asked at the same time.
struct HostAddresses {
  std::string host;                     ///< asked, canonical; or the address itself where the host was a literal
  std::optional<Answer> a;              ///< none where not asked: -4, -6, or an address literal
  std::optional<Answer> aaaa;           ///< likewise
  std::vector<IpAddress> addresses;     ///< AAAA after A, in the order received, none twice
  bool complete() const;                ///< every question asked was answered: found or seen to be absent
  bool alias() const;                   ///< the host is a CNAME (RFC 2181 §10.3 forbids it for MX and NS targets)
  Status status() const;                ///< found where there is an address, else the worse of both answers
  std::vector<Answer> answers() const;  ///< those that were asked for
};

enum class MxKind {
  listed,    ///< MX records name the hosts
  implicit,  ///< no MX record, but an address record: the domain is its own host (RFC 5321 §5.1)
  null_mx,   ///< "0 .": the domain takes no mail (RFC 7505 §3)
  none,      ///< seen: neither MX nor address records
  no_name,   ///< seen: the domain does not exist
  unknown,   ///< could not be found out; `why` says what failed
};
const char* to_string(MxKind kind);

struct MxHost {
  std::uint16_t preference = 0;
  std::string name;  ///< canonical
  std::uint32_t ttl = 0;
  bool operator==(const MxHost&) const = default;
};

struct MxLookup {
  std::string domain;  ///< canonical
  MxKind kind = MxKind::unknown;
  std::string why;            ///< for unknown: one lower-case sentence
  std::vector<MxHost> hosts;  ///< by preference, then as received; implicit: the domain itself with preference 0
  /// A null record beside real ones (RFC 7505 §3 forbids it); such records are left out of `hosts`.
  bool null_beside_others = false;
  Answer mx;
  std::optional<HostAddresses> implicit;  ///< where it had to be asked
};

struct ReverseName {
  std::string name;  ///< canonical
  Answer forward;    ///< A or AAAA, by the family of the address
  bool confirmed = false;
};

/// PTR and forward confirmation ("FCrDNS"): confirmed where one of the names leads back to the address.
struct ReverseLookup {
  IpAddress address;
  Answer ptr;
  std::vector<ReverseName> names;  ///< the first ten (as RFC 7208 §4.6.4 has it)
  bool confirmed() const;
  /// The confirmed name, else the first one, else empty.
  std::string best_name() const;
  /// Every question was answered, so that a missing confirmation is a fact.
  bool complete() const;
};

/// found, no_data and no_name: the question has been settled. Everything else is "could not find out".
bool settled(Status status);

}  // namespace smtpdx::dns
