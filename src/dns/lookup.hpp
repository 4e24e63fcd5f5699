// SPDX-License-Identifier: Apache-2.0
#pragma once

// The usual questions about mail hosts, each asked with as few round trips as it can be. Nothing here fails: what went
// wrong is in the answers. The resolver must outlive the task.

#include <string>

#include "dns/lookup_types.hpp"
#include "dns/resolver.hpp"

namespace smtpdx::dns {

/// RFC 5321 §5.1. One round trip where there are MX records; without any, one more for the domain's own addresses.
io::Task<MxLookup> look_up_mx(Resolver& resolver, std::string domain, Deadline deadline);

enum class Families { both, v4_only, v6_only };

/// A and AAAA at once. An address literal ("192.0.2.1", "[IPv6:2001:db8::1]") costs no question.
io::Task<HostAddresses> look_up_addresses(Resolver& resolver, std::string host, Deadline deadline,
                                          Families families = Families::both);

/// PTR, then the addresses of up to ten names at once.
io::Task<ReverseLookup> look_up_reverse(Resolver& resolver, IpAddress address, Deadline deadline);

}  // namespace smtpdx::dns
