// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "io/net.hpp"

namespace smtpdx::io {

/// One --connect-to, with curl's meaning: what is empty on the left matches anything, what is empty on the right stays.
struct ConnectToRule {
  std::string host;                   ///< canonical name, or an address in its usual form; empty = any
  std::optional<std::uint16_t> port;  ///< absent = any
  std::optional<IpAddress> to_address;
  std::optional<std::uint16_t> to_port;

  /// "HOST:PORT:ADDR:PORT"; IPv6 addresses in brackets. ErrorKind::usage for anything else, a name as ADDR too: nobody
  /// resolves it here.
  static Result<ConnectToRule> parse(std::string_view text);
  bool matches(const ConnectRequest& request) const;
};

/// Sends matching connections elsewhere; the first rule that matches counts. `inner` must outlive it.
class ConnectTo final : public Connector {
 public:
  ConnectTo(Connector& inner, std::vector<ConnectToRule> rules) : inner_(inner), rules_(std::move(rules)) {}
  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline deadline) override;

 private:
  Connector& inner_;
  std::vector<ConnectToRule> rules_;
};

}  // namespace smtpdx::io
