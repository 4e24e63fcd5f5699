// SPDX-License-Identifier: Apache-2.0
#pragma once

// Macros (RFC 7208 §7): their syntax, and their expansion as a pure function.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace smtpdx::spf {

enum class MacroUse {
  domain,       ///< in a record: %{c}, %{r} and %{t} are forbidden (§7.2)
  explanation,  ///< in the text that exp= names
};

enum class MacroFault : std::uint8_t { none, bad_macro, only_in_explanation };

/// Where the first fault of a macro string begins, and what is wrong.
struct MacroCheck {
  MacroFault fault = MacroFault::none;
  std::size_t at = 0;
  std::size_t length = 0;
  std::size_t tail = 0;  ///< where the literal text behind the last macro begins
};
MacroCheck check_macros(std::string_view text, MacroUse use);

/// Whether `text` holds a macro with this letter, in either case.
bool uses_macro(std::string_view text, char letter);

/// What the letters stand for (§7.2). Views must outlive the expansion.
struct MacroValues {
  std::string_view sender;         ///< s
  std::string_view local_part;     ///< l
  std::string_view sender_domain;  ///< o
  std::string_view domain;         ///< d
  IpAddress client;                ///< i, v, c
  std::string_view validated;      ///< p
  std::string_view helo;           ///< h
  std::string_view receiver;       ///< r
  std::int64_t seconds = 0;        ///< t
};

/// Expands a text that check_macros() finds nothing wrong with. What is no macro stays as it stands.
std::string expand_macros(std::string_view text, const MacroValues& values);

/// The same for a domain name: without its final dot, and cut from the left, label by label, to 253 octets (§7.3).
std::string expand_domain(std::string_view text, const MacroValues& values);

}  // namespace smtpdx::spf
