// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the verbs of `config` share.

#include <string>

#include "cli/common.hpp"
#include "mta/postfix/decide.hpp"

namespace smtpdx::cli {

struct ConfigOptions {
  OutputOptions output;
  WorldOptions world;
  std::string verb, target, file, cases, zone, server_address, against;
  std::string client, helo, tls, user, sender, recipient;
  std::uint16_t port = 25;
  bool change = false;  ///< say it for many cases, too
};

/// The Postfix configuration that a KIND:DIRECTORY names (postfix: or auto:). Error usage for another product.
Result<mta::postfix::Configuration> load_postfix(const std::string& target, const ConfigOptions& o);

// One function a verb.
Exit config_who_may_relay(const ConfigOptions& o);
Exit config_lint(const ConfigOptions& o);
Exit config_show(const ConfigOptions& o);

}  // namespace smtpdx::cli
