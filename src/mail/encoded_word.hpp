// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace smtpdx::mail {

/// Header text for reading by people: encoded words (RFC 2047 §2) of UTF-8, US-ASCII and ISO-8859-1 become UTF-8, those
/// of other charsets and broken ones stay as they are. White space between two encoded words goes (§6.2).
std::string decode_encoded_words(std::string_view text);

}  // namespace smtpdx::mail
