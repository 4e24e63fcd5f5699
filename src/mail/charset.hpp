// SPDX-License-Identifier: Apache-2.0
#pragma once

// Words in any character set → UTF-8 (RFC 2978 names, and those that bounces use instead: "uft-8",
// "unicode-1-1-utf-7").

#include <cstddef>
#include <string>
#include <string_view>

#include "mail/text.hpp"

namespace smtpdx::mail {

/// The text in UTF-8 with its way back. Unchanged where it is ASCII or UTF-8 already, or where the name is unknown and
/// the octets are valid UTF-8; octets that fit no set are taken as ISO 8859-1. Never fails.
Text to_utf8(Text text, std::string_view charset);
std::string to_utf8(std::string_view octets, std::string_view charset);

/// Loads what the system's iconv needs from files for the character sets that mail comes in, for a process that can
/// open no file later; others are then unknown names. Some milliseconds and megabytes, once. Returns how many the
/// system has.
std::size_t load_charsets();

}  // namespace smtpdx::mail
