// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/env.hpp"

namespace smtpdx::probes {

io::Task<Sightings> mx(Env& env, diag::WantMx want, Deadline deadline);
io::Task<Sightings> addresses(Env& env, diag::WantAddresses want, Deadline deadline);
io::Task<Sightings> ptr(Env& env, diag::WantPtr want, Deadline deadline);
io::Task<Sightings> list(Env& env, diag::WantList want, Deadline deadline);
/// The zone's own name servers, each asked directly: do they agree about the host's addresses? Name servers that do not
/// answer within 5 s are left as timed out.
io::Task<Sightings> authority(Env& env, diag::WantAuthority want, Deadline deadline);
/// Which of the known names within two typing mistakes of the domain take mail.
io::Task<Sightings> near(Env& env, diag::WantNear want, Deadline deadline);

}  // namespace smtpdx::probes
