// SPDX-License-Identifier: Apache-2.0
#pragma once

// One accepted connection served to its end: by a policy (server_model.hpp) or by a written dialog. All arguments must
// outlive the task; nothing is thrown and nothing returned: what the client does wrong is either the policy's business
// or a complaint.

#include <memory>
#include <string>
#include <vector>

#include "io/listener.hpp"
#include "io/runtime.hpp"
#include "mock/scenario.hpp"
#include "mock/server_model.hpp"

namespace smtpdx::mock {

struct Host {
  io::Runtime& runtime;
  io::TlsServerOptions tls;
};

io::Task<void> serve_policy(Host& host, Server& server, IpAddress client, std::unique_ptr<io::ServerStream> stream);
io::Task<void> serve_dialog(Host& host, const DialogSection& dialog, std::unique_ptr<io::ServerStream> stream,
                            std::vector<std::string>& complaints);

}  // namespace smtpdx::mock
