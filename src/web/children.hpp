// SPDX-License-Identifier: Apache-2.0
#pragma once

// The children's side: what `smtpdx sealed-reader` and `smtpdx sealed-runner` do. They are started by `serve` and talk
// to it over inherited descriptors (protocol.hpp); by hand they say so and end.

#include <string>

#include "api/world.hpp"

namespace smtpdx::web {

/// Returns the process's exit code.
int reader_main();
/// One diagnosis in the real world, sealed; sockets come from the server.
int runner_main(const api::WorldOptions& world);
/// One diagnosis in a scenario's world ("demo" or a path): its servers run in this process, which therefore cannot be
/// sealed; it reads no octet from outside this machine.
int scenario_main(const std::string& scenario);

}  // namespace smtpdx::web
