// SPDX-License-Identifier: Apache-2.0
#pragma once

// What DMARC makes of a message, with every look-up and every identifier's alignment. Plain values, no door to the
// world: check.hpp makes them, words.hpp puts them into sentences.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dmarc/record.hpp"
#include "dns/answer.hpp"

namespace smtpdx::dmarc {

/// RFC 7489 §11.2 (kept by RFC 8601 §2.7).
enum class Result : std::uint8_t { none, pass, fail, temperror, permerror };
const char* to_string(Result result);

enum class Mechanism : std::uint8_t { spf, dkim };
const char* to_string(Mechanism mechanism);

enum class Verdict : std::uint8_t {
  pass,
  temperror,  ///< could not be found out now: another try may pass
  fail,       ///< everything else
};

/// What a mechanism found out about a domain: the input. SPF: the MAIL FROM identity's domain, which for a null reverse
/// path is the HELO name (RFC 7208 §2.4). DKIM: d= of one signature.
struct Identifier {
  Mechanism mechanism = Mechanism::spf;
  std::string domain;
  Verdict verdict = Verdict::fail;
  std::string note;  ///< for people: "softfail", "s=key1: body-changed"
};

/// Why the whole came out as it did. Ids (to_string) are permanent.
enum class Reason : std::uint8_t {
  aligned,
  not_authenticated,  ///< no SPF or DKIM pass at all
  not_aligned,        ///< something passed, but not for this domain
  no_domain,          ///< the author's domain is none
  no_record,
  several_records,  ///< RFC 7489 §6.6.3 step 5: none of them applies
  unusable_record,
  dns_failed,          ///< the policy could not be looked up
  identifier_unknown,  ///< nothing aligned passed, and one that may be aligned could not be checked
};
const char* to_string(Reason reason);
/// "RFC 9989 §4.10.1".
std::string section_of(Reason reason, Profile profile);

/// What a look-up at one _dmarc name showed.
enum class Found : std::uint8_t { record, nothing, several, failed };
const char* to_string(Found found);

struct Looked {
  std::string domain;  ///< without "_dmarc."
  dns::Answer answer;
  Found found = Found::nothing;
  std::string text;               ///< the record, where there is exactly one
  Record record;                  ///< likewise
  std::vector<std::string> near;  ///< records that look as if they were meant to be one
};

/// How an organizational domain was found.
enum class FoundBy : std::uint8_t {
  public_suffix_list,  ///< RFC 7489 §3.2
  psd_no,              ///< RFC 9989 §4.10.2 step 1
  below_psd,           ///< step 2
  fewest_labels,       ///< step 3
  itself,              ///< no record anywhere: the domain itself
  unknown,             ///< a look-up on the way failed
};
const char* to_string(FoundBy by);

struct Organization {
  std::string start;
  std::string domain;  ///< empty where unknown
  FoundBy by = FoundBy::itself;
  std::vector<std::uint32_t> walk;  ///< indices into Outcome::looked, in order; RFC 9989 only
};

enum class Alignment : std::uint8_t {
  identical,
  same_organization,
  none,
  unknown,        ///< the organizational domain could not be found out
  not_evaluated,  ///< there is no policy to evaluate it by
};
const char* to_string(Alignment alignment);

struct Aligned {
  Identifier identifier;
  Mode mode = Mode::relaxed;
  Alignment alignment = Alignment::not_evaluated;
  std::string organizational;  ///< relaxed only
  bool counts() const {        ///< this one makes the message pass
    return identifier.verdict == Verdict::pass &&
           (alignment == Alignment::identical || alignment == Alignment::same_organization);
  }
};

/// Which tag the policy came from.
enum class PolicySource : std::uint8_t { p, sp, np };
const char* to_string(PolicySource source);

struct Outcome {
  Profile profile = Profile::rfc9989;
  Result result = Result::none;
  Reason reason = Reason::no_record;
  std::string from_domain;    ///< canonical
  Organization organization;  ///< the author's; start is empty where it was not needed
  std::string policy_domain;  ///< where the record is; empty without one
  std::string text;           ///< the record
  std::optional<Record> record;
  Effective::Use use = Effective::Use::whole;
  PolicySource source = PolicySource::p;
  Policy published = Policy::none;   ///< what the record says for this domain
  Policy requested = Policy::none;   ///< what it asks for on failure, after t=y
  unsigned pct = 100;                ///< RFC 7489 only: percent of failing mail that it is asked for
  std::optional<bool> exists;        ///< the author's domain, where np made it matter
  std::vector<Aligned> identifiers;  ///< as given, each with its alignment
  std::vector<Looked> looked;        ///< each name once
};

}  // namespace smtpdx::dmarc
