// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace smtpdx::io {

/// --via: another vantage to connect from.
struct Via {
  enum class Kind { socks5, ssh };
  Kind kind = Kind::socks5;
  HostPort at;           ///< port: 1080 for SOCKS where none was given, 0 (ssh's own configuration decides) for ssh
  std::string user;      ///< empty = none
  std::string password;  ///< SOCKS only; a secret: register it with the log
};

/// "socks5://[USER:PASSWORD@]HOST[:PORT]" (socks5h means the same) or "ssh://[USER@]HOST[:PORT]". ErrorKind::usage
/// else.
Result<Via> parse_via(std::string_view text);

}  // namespace smtpdx::io
