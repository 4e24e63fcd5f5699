// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "smtp/reply.hpp"

namespace smtpdx::smtp {

/// What a server said it can do (RFC 5321 §4.1.1.1). Empty after HELO.
struct Capabilities {
  std::string greeting_name;          ///< first word of the EHLO reply: the server's own name
  std::vector<std::string> keywords;  ///< each line as received, e.g. "SIZE 10240000"
  std::vector<std::string> auth;      ///< mechanisms, upper case, from "AUTH …" and the old "AUTH=…" form
  /// First word of a line (up to "=", for "AUTH=LOGIN"), ASCII case ignored.
  bool has(std::string_view keyword) const;
  bool pipelining() const { return has("PIPELINING"); }
  bool starttls() const { return has("STARTTLS"); }
  bool offers_auth() const { return !auth.empty(); }
  bool offers_auth(std::string_view mechanism) const;
};

Capabilities parse_capabilities(const Reply& ehlo);

}  // namespace smtpdx::smtp
