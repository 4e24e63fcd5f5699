// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words of an ACL: verbs, conditions, modifiers (specification, chapter 44).

#include <string_view>

#include "base/result.hpp"
#include "mta/exim/configuration.hpp"
#include "mta/exim/source.hpp"

namespace smtpdx::mta::exim {

/// Adds one line to an ACL. Error malformed, without the place, where Exim would not start with it.
Result<void> add_acl_line(Acl& acl, const Line& line);

}  // namespace smtpdx::mta::exim
