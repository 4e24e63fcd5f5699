// SPDX-License-Identifier: Apache-2.0
#pragma once

// A sender policy as it is written (RFC 7208 §12), without any look-up: what its terms are and where they stand, or
// what is wrong and where.

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ip.hpp"

namespace smtpdx::spf {

/// Octets [offset, offset + length) of the record's text.
struct Span {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::string_view of(std::string_view text) const { return text.substr(offset, length); }
  bool operator==(const Span&) const = default;
};

/// RFC 7208 §4.6.2: what a match means.
enum class Qualifier : char { pass = '+', fail = '-', softfail = '~', neutral = '?' };

/// Mechanisms (§5) and modifiers (§6).
enum class TermKind : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists, redirect, exp, unknown_modifier };
bool is_modifier(TermKind kind);
/// Whether the term counts towards the ten (RFC 7208 §4.6.4).
bool asks_dns(TermKind kind);

struct Term {
  TermKind kind = TermKind::all;
  Qualifier qualifier = Qualifier::pass;
  Span where;             ///< the whole term, its qualifier included
  Span domain;            ///< the domain-spec; empty where the current domain is meant
  IpAddress network;      ///< ip4, ip6; host bits as written
  unsigned prefix4 = 32;  ///< a, mx, ip4
  unsigned prefix6 = 128;
};

/// What is wrong with a record. Ids (to_string) are permanent.
enum class FlawKind : std::uint8_t {
  not_ascii,                  ///< an octet that is neither visible ASCII nor a space (§3.1, §12)
  unknown_mechanism,          ///< §4.6.1
  bad_modifier_name,          ///< §6, "name"
  missing_argument,           ///< include, exists, ip4, ip6, redirect=, exp=, or "a:" with nothing behind it
  unexpected_argument,        ///< "all:x", "ptr/24"
  bad_domain,                 ///< §7.1 "domain-end": no valid last label
  address_as_domain,          ///< "a:192.0.2.1": the same, and what was meant is ip4 or ip6
  bad_macro,                  ///< §7.1
  macro_only_in_explanation,  ///< %{c} %{r} %{t} (§7.2)
  bad_prefix,                 ///< "/33", "/024", "//129"
  bad_address,                ///< §5.6
  repeated_modifier,          ///< redirect= or exp= a second time (§6)
};
const char* to_string(FlawKind kind);
/// The section of RFC 7208 that says so.
const char* section_of(FlawKind kind);

struct Flaw {
  FlawKind kind = FlawKind::bad_domain;
  Span where;  ///< the octets at fault
  Span term;   ///< the term they stand in
  bool operator==(const Flaw&) const = default;
};

struct Record {
  std::vector<Term> terms;                ///< in their order
  std::optional<std::uint32_t> redirect;  ///< index into `terms`
  std::optional<std::uint32_t> exp;
};

/// Whether a TXT record is a sender policy at all: "v=spf1" in any case, then a space or the end (RFC 7208 §4.5).
bool is_policy(std::string_view text);
/// Whether it looks as if it were meant to be one, and is none: "v=spf10", " v=spf1", "\"v=spf1", "spf1 …".
bool is_near_policy(std::string_view text);

/// Reads the whole of a text that is_policy(). The first flaw, from the left, is the error: by RFC 7208 §4.6 one
/// anywhere makes the record useless.
std::expected<Record, Flaw> parse_record(std::string_view text);

}  // namespace smtpdx::spf
