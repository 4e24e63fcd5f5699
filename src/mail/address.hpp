// SPDX-License-Identifier: Apache-2.0
#pragma once

// Addresses as they stand in header fields, report fields and prose (RFC 5322 §3.4, RFC 3464 §2.3.1).

#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::mail {

/// The mailboxes of an address list, "local@domain" each; display names, comments and group names are left out.
/// At most 1,000.
std::vector<std::string> addresses(std::string_view header_value);
/// The first one, or empty.
std::string first_address(std::string_view header_value);
/// The first thing in free text that looks like an address, without brackets; empty where there is none.
std::string address_in(std::string_view text);
/// Strips "rfc822;", "rfc/822 ;", brackets, source route ("@a,@b:user@c") and white space off a report's recipient.
std::string report_address(std::string_view value);

}  // namespace smtpdx::mail
