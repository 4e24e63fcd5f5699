// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an input or a message is, told from its first lines: questions with a yes or a no, before anything is read.

#include <optional>
#include <string_view>

#include "dsn/refusal.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {

/// At least two fields that every message has, at the very beginning.
bool is_message(std::string_view octets);
/// The header says that this is a report of a mail system: sender, empty return path, or a subject such reports have.
bool from_mail_system(const mail::Header& header);
/// Vacation notes and the like (RFC 3834).
bool is_auto_reply(const mail::Header& header);
/// "Confirm that you are human": a sender's mail is held until he answers.
bool is_challenge(const mail::Header& header);
/// A complaint without the machine-readable part of RFC 5965, as Outlook.com sends them.
bool is_complaint(const mail::Part& root);
/// A notice that a message was delivered or read: a disposition notification (RFC 8098), or words that say so in a
/// mail system's report; nullopt for all else.
std::optional<Kind> kind_of_notice(const mail::Part& root, std::string_view words);
bool is_list_mail(const mail::Header& header);

}  // namespace smtpdx::dsn
