// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a check of a sender policy (RFC 7208) came to, with every step that led there. Plain values, no door to the
// world: check.hpp makes them, words.hpp puts them into sentences.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/answer.hpp"
#include "spf/record.hpp"

namespace smtpdx::spf {

/// RFC 7208 §2.6.
enum class Result { none, neutral, pass, fail, softfail, temperror, permerror };
const char* to_string(Result result);

/// Whose policy was looked at (RFC 7208 §2.3, §2.4).
enum class Identity { mail_from, helo };
const char* to_string(Identity identity);

/// Why a step, a policy or the whole check came out as it did. Ids (to_string) are permanent.
enum class Reason : std::uint8_t {
  // of a whole policy, and of the mechanism that decided it
  matched,
  nothing_matched,
  no_domain,
  no_record,
  several_records,
  syntax,
  too_many_lookups,
  too_many_voids,
  too_many_mx,
  include_without_record,
  redirect_without_record,
  dns_failed,
  dns_timed_out,
  // of a step that did not decide
  outside,
  other_family,
  no_records,
  no_name,
  included_did_not_pass,
  names_not_confirmed,
  confirmed_elsewhere,
  unknown_modifier,
  redirect_unused,
  redirect_taken,
  explanation_taken,
  explanation_unusable,
  not_reached,
};
const char* to_string(Reason reason);
/// The section of RFC 7208 that the reason stands on: "4.6.4".
const char* section_of(Reason reason);

/// One question to DNS on the way.
struct Looked {
  dns::Answer answer;
  bool is_void = false;  ///< counted as a void look-up (RFC 7208 §4.6.4)
};

enum class Match : std::uint8_t {
  no,
  yes,
  error,        ///< ended the check
  taken,        ///< redirect= that was followed, exp= that gave the explanation
  ignored,      ///< a modifier without effect
  not_reached,  ///< stands behind what decided
};
const char* to_string(Match match);

inline constexpr std::uint32_t nowhere = 0xFFFFFFFF;

/// One term of a record, in the order in which they were evaluated; an include's own terms follow it.
struct Step {
  std::uint32_t policy = 0;       ///< index into Outcome::policies: whose record
  std::uint32_t inner = nowhere;  ///< index into Outcome::policies: include and redirect, the policy they led to
  Span where;                     ///< in Policy::text
  TermKind kind = TermKind::all;  ///< what sort of term
  Qualifier qualifier = Qualifier::pass;
  Match match = Match::no;
  Reason reason = Reason::outside;
  unsigned lookups = 0;  ///< counted so far, this one included (at most 10, RFC 7208 §4.6.4)
  std::string target;    ///< the domain after macro expansion; empty for ip4, ip6, all
  std::string hit;       ///< the address or name that matched
  std::vector<Looked> looked;
};

/// One domain's record.
struct Policy {
  std::string domain;
  unsigned depth = 0;               ///< 0: the checked identity; one more for each include and redirect
  std::uint32_t via = nowhere;      ///< index into Outcome::steps: the include or redirect that led here
  std::optional<Looked> looked;     ///< the TXT query; none where the name cannot be asked for
  std::string text;                 ///< the record as published, its strings joined; empty where there is none
  std::vector<std::string> others;  ///< with Reason::several_records: the further ones
  std::vector<std::string> near;    ///< TXT records that look as if they were meant to be one (RFC 7208 §4.5)
  std::optional<Flaw> flaw;         ///< with Reason::syntax
  Result result = Result::none;
  Reason reason = Reason::no_record;
  unsigned lookups = 0;  ///< DNS terms counted in this record and below it
};

struct Outcome {
  Result result = Result::none;
  Reason reason = Reason::no_domain;
  Identity identity = Identity::mail_from;
  std::string client;  ///< the address as it was compared: IPv4 where it came mapped into IPv6 (RFC 7208 §5)
  std::string sender;  ///< as evaluated, "postmaster@" put in where there was no local part (RFC 7208 §4.3)
  std::string domain;  ///< the domain of the identity
  std::string helo;
  std::string explanation;  ///< the domain's own words for a fail; empty where it gives none (RFC 7208 §6.2)
  unsigned lookups = 0;     ///< terms that ask DNS, as far as the check came
  unsigned void_lookups = 0;
  bool helo_missing = false;     ///< a macro wanted the HELO name, and none was known: "unknown" stood in for it
  std::vector<Policy> policies;  ///< the first one is the identity's; empty where the identity has no domain
  std::vector<Step> steps;
  std::uint32_t decided_policy = nowhere;  ///< where the reason lies
  std::uint32_t decided_step = nowhere;    ///< the term that decided, where one did
};

}  // namespace smtpdx::spf
