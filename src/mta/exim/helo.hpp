// SPDX-License-Identifier: Apache-2.0
#pragma once

// The name in EHLO: its syntax, and whether it is the client's.

#include <string>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

bool helo_syntax_fine(const Context& c, const std::string& name);

/// Sets Context::helo_verified, once.
void verify_helo(Context& c);

}  // namespace smtpdx::mta::exim
