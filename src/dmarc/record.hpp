// SPDX-License-Identifier: Apache-2.0
#pragma once

// A DMARC policy record as it is written, for both standards: RFC 7489 §6.3, §6.4 and RFC 9989 §4.7, §4.8. One reading
// serves both; what each makes of it is effective().

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::dmarc {

enum class Profile { rfc7489, rfc9989 };
const char* to_string(Profile profile);  ///< "rfc7489", "rfc9989"

enum class Policy : std::uint8_t { none, quarantine, reject };
const char* to_string(Policy policy);

enum class Mode : std::uint8_t { relaxed, strict };
const char* to_string(Mode mode);

/// RFC 9989 §4.7, "psd": whether the domain is a public suffix.
enum class Psd : std::uint8_t { unsaid, yes, no };

/// What is wrong or odd about a record. Ids (to_string) are permanent.
enum class FlawKind : std::uint8_t {
  bad_tag,       ///< no "name=value"
  unknown_tag,   ///< ignored by both standards
  repeated_tag,  ///< makes the record invalid (RFC 6376 §3.2, whose syntax DMARC takes over)
  bad_value,     ///< ignored, or fatal for p, sp and np, see effective()
  bad_uri,       ///< of rua or ruf
  p_missing,
  p_not_second,  ///< RFC 7489 §6.4 wants it there
  removed_tag,   ///< pct, rf, ri: RFC 9989 does not know them any more
  newer_tag,     ///< np, psd, t: RFC 7489 does not know them
  size_limit,    ///< "!10m" behind a URI: RFC 9989 does not know it any more
};
const char* to_string(FlawKind kind);

struct Flaw {
  FlawKind kind = FlawKind::bad_tag;
  std::uint32_t offset = 0;  ///< octets of the record
  std::uint32_t length = 0;
  std::string tag;  ///< lower case; empty for bad_tag
};

/// A policy tag: absent, valid, or there with a value that means nothing.
struct PolicyTag {
  bool present = false;
  std::optional<Policy> value;
  bool wrong() const { return present && !value; }
};

struct Record {
  PolicyTag p, sp, np;
  Mode adkim = Mode::relaxed, aspf = Mode::relaxed;
  Psd psd = Psd::unsaid;
  bool test = false;  ///< t=y
  unsigned pct = 100;
  std::vector<std::string> rua, ruf;  ///< valid URIs, without size limits
  std::string fo;
  std::vector<Flaw> flaws;  ///< in the order of their places
  bool has(FlawKind kind) const;
};

/// Whether a TXT record is a policy record at all: its first tag is "v" with exactly "DMARC1" (7489 §6.6.3, 9989 §4.7).
bool is_record(std::string_view text);
/// Whether it looks as if it were meant to be one, and is none: "v=dmarc1", " v=DMARC1", "v=DMARC1 p=none".
bool is_near_record(std::string_view text);

/// Reads a text that is_record().
Record parse_record(std::string_view text);

/// What a standard makes of a record.
struct Effective {
  enum class Use : std::uint8_t {
    whole,
    none_for_reports,  ///< p, sp or np is wrong, but rua names somebody: as if it were "p=none"
    unusable,          ///< the same without rua, or a repeated tag: no DMARC processing
  };
  Use use = Use::whole;
  Policy p = Policy::none;
  std::optional<Policy> sp, np;
};
/// RFC 7489 §6.6.3 step 6; RFC 9989 §4.10.1, and §4.7 for a p that is absent: there it is "none".
Effective effective(const Record& record, Profile profile);

}  // namespace smtpdx::dmarc
