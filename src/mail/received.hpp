// SPDX-License-Identifier: Apache-2.0
#pragma once

// Received fields (RFC 5321 §4.4), as the servers of the field write them.

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/time.hpp"

namespace smtpdx::mail {

/// One Received field. Empty: not said. What the client claimed and what the server saw are apart: `from` is the HELO
/// name, `name` and `address` come from the connection, as far as this server's way of writing tells.
struct Received {
  std::string from, name;
  std::optional<IpAddress> address;
  std::string by, with, id, recipient;
  std::string tls;             ///< "TLSv1.3", "TLS1_2", or "yes" where only the protocol word (ESMTPS) says so
  bool authenticated = false;  ///< ESMTPA, ESMTPSA (RFC 3848)
  std::optional<WallTime> date;
  std::string date_text;
};

/// `value` is what follows the colon, folded or not.
Received parse_received(std::string_view value);

}  // namespace smtpdx::mail
