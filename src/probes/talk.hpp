// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/env.hpp"

namespace smtpdx::probes {

/// One SMTP connection: greeting, EHLO, TLS as wished, AUTH if wished, the envelopes, QUIT. Never DATA.
io::Task<Sightings> talk(Env& env, diag::WantTalk want, Deadline deadline);

/// Connects to each control host and closes at once: nothing is said to hosts that have nothing to do with the case.
io::Task<Sightings> controls(Env& env, diag::WantControls want, Deadline deadline);

}  // namespace smtpdx::probes
