// SPDX-License-Identifier: Apache-2.0
#pragma once

// $name, ${name}, $(name), ${name?{if set}:{if empty}} and ${{a} <op> {b} ? {then} : {else}} (postconf(5), "FILE
// FORMAT"), each octet of the result citing where it was written.
//
// What only the running machine knows (its host name, say) is no error: it stands in the result as a mark around the
// name, and whatever is compared with such text is unknown rather than wrong.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/postfix/cited.hpp"

namespace smtpdx::mta::postfix {

/// The mark that stands for the unknowable value of `name`.
std::string unknown_mark(std::string_view name);
/// True where the text holds such a mark.
bool has_unknown(std::string_view text);
/// The names that are marked, in order.
std::vector<std::string> unknown_names(std::string_view text);

/// For showing: every mark becomes "$name".
std::string with_names(std::string_view text);

/// The raw value of a parameter; nullopt where nobody defined it (Postfix takes it as empty).
using NameLookup = std::function<std::optional<Cited>(std::string_view name)>;

struct Expansion {
  Cited value;
  std::vector<std::string> undefined;  ///< names that nobody defined
};

/// Error malformed (with file and line) for a loop of references or an unclosed brace, limit for more than 1 MiB of
/// text.
Result<Expansion> expand(const Cited& raw, const NameLookup& lookup);

/// "3.6" against "2": -1, 0, 1, part by part (compatibility levels, <level and its kin).
int compare_levels(std::string_view a, std::string_view b);

}  // namespace smtpdx::mta::postfix
