// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/time.hpp"
#include "diag/facts.hpp"

namespace smtpdx::intake {

/// Reads what a bearer token says of itself (RFC 7519): the middle part of three, between dots. Nothing is verified,
/// and the token goes nowhere: only its claims about audience, rights, lifetime and user are kept. An opaque token
/// (Google's) gives a fact that says so.
diag::TokenFact read_token(std::string_view token, WallTime now);

}  // namespace smtpdx::intake
