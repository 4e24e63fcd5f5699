// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dns/upstream.hpp"

namespace smtpdx::dns {

struct UnboundSettings {
  std::vector<Endpoint> forwarders;         ///< none: full recursion from the root servers
  std::vector<std::string> trust_anchors;   ///< DS or DNSKEY records in zone-file form; none: nothing is validated
  std::optional<WallTime> validation_time;  ///< --now: the time signatures are judged at
};

/// Validation (and, without forwarders, recursion) by libunbound, which works in a thread of its own and is read on
/// ours. Fails (usage) where libunbound does not take the settings, a bad trust anchor for instance.
///
/// Where libunbound gives up it says SERVFAIL, whatever happened: asking a forwarder plainly tells more (dns/stub.hpp).
Result<std::unique_ptr<Upstream>> make_unbound_upstream(io::Runtime& runtime, const UnboundSettings& settings);

/// The records of a file with trust anchors, one each line; comments and blank lines left out. Fails (unreadable, or
/// malformed with the line) where the file cannot be read, holds anything but DS and DNSKEY records, or none.
Result<std::vector<std::string>> read_trust_anchors(const std::string& path);

}  // namespace smtpdx::dns
