// SPDX-License-Identifier: Apache-2.0
#pragma once

// regexp: and pcre: tables (regexp_table(5), pcre_table(5)): first pattern that matches wins; if … endif blocks; $1 in
// the result.

#include <memory>
#include <vector>

#include "mta/postfix/tables.hpp"

namespace smtpdx::mta::postfix {

enum class RegexKind { posix, perl };

/// Patterns that POSIX extended expressions cannot say (look-around, lazy quantifiers …) answer unknown when reached.
std::shared_ptr<const Table> make_regex_table(const std::vector<Cited>& lines, RegexKind kind);

}  // namespace smtpdx::mta::postfix
