// SPDX-License-Identifier: Apache-2.0
#pragma once

// A mail server's complaint in its own log that explains refusals without being one: a failed login, a configuration it
// cannot work with, a handshake it could not finish.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dsn/refusal.hpp"

namespace smtpdx::dsn {

/// nullopt for lines of other kinds. What the words mean, and whether anybody knows them, is the catalogue's business.
std::optional<Refusal> read_log_complaint(std::string_view line, std::size_t offset);

/// The login mechanism that a client is shown to use: "AUTH XOAUTH2" (not an EHLO list), "SASL LOGIN authentication
/// failed". Empty where none is named.
std::string mechanism_in(std::string_view text);

}  // namespace smtpdx::dsn
