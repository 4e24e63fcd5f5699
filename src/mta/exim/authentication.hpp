// SPDX-License-Identifier: Apache-2.0
#pragma once

// AUTH on the server's side (specification, chapters 33 to 42): the conditions as they are written. The password is a
// mark of which only is known whether it is right.

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

/// Can the authenticator serve at all (it has what its driver needs)?
bool serves(const Driver& authenticator);

/// Tries the session's login with it; sets $authenticated_id and its kin.
Answer authenticate(Context& c, const Driver& authenticator);

}  // namespace smtpdx::mta::exim
