// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "io/net.hpp"
#include "io/real.hpp"
#include "io/via.hpp"

namespace smtpdx::io {

struct SshVantage {
  HostPort at;
  std::string user = {};
  std::string program = "ssh";  ///< looked up in PATH
};

/// Connects from the host at the other end of `ssh -W`: one ssh process a connection, ended with its stream. Keys and
/// host names are the user's ssh configuration; it is never asked for a password (BatchMode).
///
/// connect() succeeds when ssh says that the far channel is open, so that "connected" means the same as without --via.
/// What ssh or the far host could not do is Failure::proxy with ssh's words. ConnectRequest::source is not used.
std::unique_ptr<Connector> make_ssh_connector(Runtime& runtime, std::shared_ptr<TlsClient> tls, SshVantage vantage);

}  // namespace smtpdx::io
