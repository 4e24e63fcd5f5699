// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpdx {

std::string base64_encode(std::string_view bytes);
/// Strict alphabet, white space skipped, padding optional; nullopt for any other octet.
std::optional<std::string> base64_decode(std::string_view text);
/// RFC 2045 §6.7; malformed escapes are kept as they stand.
std::string quoted_printable_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);

}  // namespace smtpdx
