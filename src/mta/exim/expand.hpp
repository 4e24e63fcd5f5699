// SPDX-License-Identifier: Apache-2.0
#pragma once

// String expansion (specification, chapter 11), as far as what decides a relay uses it.

#include <string>
#include <string_view>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

Text expand(Context& c, std::string_view text);

/// A variable by its name, without "$"; nullopt where Exim has none of that name.
std::optional<Text> variable(Context& c, std::string_view name);

/// ${name_arguments:text}; nullopt where there is no such operator.
std::optional<Text> apply_operator(Context& c, std::string_view name, const Text& text);

/// The password of the session stands for itself: we know whether it is right, not what it is.
inline constexpr std::string_view password_mark = "\x02password\x02";
bool holds_password(std::string_view text);

/// A whole number with K, M or G behind it; nullopt where it is none.
std::optional<long long> number_of(std::string_view text);
/// An arithmetic expression; the reason where it is none.
std::optional<long long> evaluate(std::string_view text, std::string& why);

}  // namespace smtpdx::mta::exim
