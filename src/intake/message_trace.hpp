// SPDX-License-Identifier: Apache-2.0
#pragma once

// `--trace-csv FILE`: an Exchange Online message trace as its administrator exports it (extended report), read for the
// one message that was refused.

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "diag/facts.hpp"

namespace smtpdx::intake {

struct TraceQuestion {
  std::string recipient;    ///< whose delivery failed: the address that the bounce names
  std::string_view bounce;  ///< the bounce's octets; empty where there is none. A trace row of the same message has a
                            ///< message id that stands in it
};

/// CSV after RFC 4180 with a head line; commas, semicolons or tabs; UTF-8 or UTF-16 with its byte order mark. Of the
/// rows about the recipient those of the bounce's message are taken, else all. The pool's name is looked for in a
/// column OutboundIpPoolName and in every text that says "OutboundIpPoolName=NAME" (custom_data). Errors: malformed
/// where there is no column for recipients or message ids. At most 64 MiB and 200,000 rows are looked at.
Result<diag::MessageTraceFact> read_message_trace(const std::string& path, std::string_view octets,
                                                  const TraceQuestion& question);

}  // namespace smtpdx::intake
