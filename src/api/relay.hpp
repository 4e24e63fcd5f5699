// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/diagnose.hpp"
#include "engine/relay.hpp"

namespace smtpdx::api {

struct RelayRequest {
  HostPort host;
  std::string from, to, helo;
  Login login;
};

/// {"host": "HOST[:PORT]", "to", "from", "user", "password", "auth_mechanism"}. Errors: malformed, usage.
Result<RelayRequest> read_relay_request(std::string_view json);

/// The permission matrix; the document that relay_document() makes.
Result<std::string> relay(const RelayRequest& request, World& world, const Emit& emit);
/// The same in a scenario's world, brought up for it on loopback.
Result<std::string> relay(const RelayRequest& request, const mock::Scenario& scenario, const Emit& emit);

/// "smtpdx.relay/1": host, permitted, steady, rows, not_tried. One line with its end.
std::string relay_document(const engine::RelayMatrix& matrix, const std::string& host);

}  // namespace smtpdx::api
