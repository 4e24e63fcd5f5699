// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "diag/facts.hpp"

namespace smtpdx::intake {

/// A client's own record of the refused session (swaks, curl, PHPMailer's and Nodemailer's debug output, smtplib): what
/// the server offered, what became of the login, and the relay refusal at its end. nullopt where the text holds no EHLO
/// answer and no relay refusal. At most 1 MiB is read; of several sessions the last one counts.
std::optional<diag::LoggedSessionFact> read_transcript(std::string_view octets);

/// Words by which servers refuse to relay.
bool names_relaying(std::string_view line);

}  // namespace smtpdx::intake
