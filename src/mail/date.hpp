// SPDX-License-Identifier: Apache-2.0
#pragma once

// Dates of header fields (RFC 5322 §3.3, obsolete forms of §4.3), tolerant.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace smtpdx::mail {

/// "Thu, 14 Jan 2016 15:01:30 -0800 (PST)"; the day's name, seconds, zone and comments may be absent, two-digit years
/// are read as §4.3 says. Without a zone UTC is taken. nullopt where day, month, year and time cannot be made out.
std::optional<WallTime> parse_date(std::string_view text);

/// "2016-01-14T23:01:30Z"
std::string rfc3339(WallTime time);

}  // namespace smtpdx::mail
