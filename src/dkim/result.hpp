// SPDX-License-Identifier: Apache-2.0
#pragma once

// What came of a signature, and why. Values only.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "dkim/canonical.hpp"
#include "dkim/crypto.hpp"
#include "dkim/message.hpp"
#include "dns/answer.hpp"

namespace smtpdx::dkim {

/// RFC 8601 §2.7.1. What RFC 6376 §6.1 calls PERMFAIL is `fail` where a digest or signature does not match and
/// `permerror` for all else; TEMPFAIL is `temperror`. `policy`: not looked at, because there were too many.
enum class Result { none, pass, fail, policy, neutral, temperror, permerror };
const char* to_string(Result result);

/// Why. The words of to_string() are permanent.
enum class Reason {
  verified,
  syntax,                 ///< no tag list, or a value that its grammar does not allow
  tag_missing,            ///< a required tag is absent
  version,                ///< v= is not 1
  algorithm,              ///< a= names none that is known
  canonicalization,       ///< c= names none that is known
  query_method,           ///< q= names none that is known
  identity,               ///< i= is not in the domain of d=
  from_not_signed,        ///< h= leaves From out
  expired,                ///< x= has passed
  expires_before_signed,  ///< x= is not later than t=
  body_length,            ///< l= is more than there is
  sha1,                   ///< rsa-sha1: RFC 8301 forbids to verify it
  too_many,               ///< more signatures than are looked at
  key_missing,            ///< the name does not exist, or has no TXT record
  key_unavailable,        ///< DNS did not say
  key_syntax,             ///< the record is no key record
  key_revoked,            ///< p= is empty
  key_malformed,          ///< p= is no key
  key_too_short,          ///< RSA below 1024 bits: RFC 8301 forbids to accept it
  key_algorithm,          ///< k= is not that of a=
  key_hash,               ///< h= of the key leaves out the hash of a=
  key_service,            ///< s= of the key leaves out e-mail
  key_strict,             ///< t=s of the key and i= in a subdomain
  body_changed,           ///< the body hash does not match
  signature_mismatch,     ///< the body hash matches, the signature does not
  field_forbidden,        ///< ARC: a tag or a signed field that may not be there
};
const char* to_string(Reason reason);  ///< "body-changed"
const char* section(Reason reason);    ///< "RFC 6376 §6.1.3"; "" for verified

/// Why a signature does not match although the key could be had, as far as that can be proved.
enum class Change {
  unknown,
  footer,         ///< the first lines of the body are what was signed: something was appended
  banner,         ///< something was put in front of the body
  inserted,       ///< lines were put in before a part's end
  from_escaped,   ///< a mailbox file put ">" before "From "
  dots_stuffed,   ///< SMTP's transparency was not undone, or undone twice (RFC 5321 §4.5.2)
  line_ends,      ///< the body was signed with the bare LFs (or CRs) that are in it
  re_encoded,     ///< what was signed is the body before it became base64 or quoted-printable
  white_space,    ///< blanks or empty lines at the end were lost or added
  other_key,      ///< signed with a key other than the one published: the rest was not looked at
  field_added,    ///< without this field the signature matches
  field_changed,  ///< with another value of this field the signature matches
};
const char* to_string(Change change);

struct Explanation {
  Change change = Change::unknown;
  bool proved = false;                 ///< undoing it makes the digest match
  std::string field;                   ///< field_added, field_changed
  std::string text;                    ///< a sentence
  std::uint64_t from = 0, length = 0;  ///< octets of the body (as read, with CRLF) that were put in
};

/// A key record (RFC 6376 §3.6.1).
struct KeyRecord {
  std::string version, notes, key_type = "rsa";
  std::vector<std::string> hashes, services, flags;  ///< h=, s=, t= as written; empty: not given
  std::string key;                                   ///< p=, base64 without white space
  bool testing() const;
  bool strict() const;
};

/// One look-up of a key.
struct KeyLookup {
  std::string name;  ///< "s._domainkey.example.org"
  dns::Status status = dns::Status::local;
  dns::Validation validation = dns::Validation::unchecked;
  std::string canonical_name;  ///< where a CNAME led
  std::string why;
  std::vector<std::string> texts;  ///< TXT records, their strings joined
  std::uint32_t ttl = 0;           ///< the least of them
  trace::Evidence evidence;
};

/// The tags of a signature, read.
struct Signature {
  std::string algorithm;  ///< a=, as written
  KeyKind kind = KeyKind::rsa;
  Hash hash = Hash::sha256;
  std::string signature, body_hash;  ///< b=, bh=: raw octets
  Canonicalization header = Canonicalization::simple, body = Canonicalization::simple;
  std::string domain, selector;                                  ///< d=, s=, canonical
  std::string identity;                                          ///< i=, or "@" and d=
  std::vector<std::string> signed_fields;                        ///< h=, as written
  std::optional<std::uint64_t> body_length, signed_at, expires;  ///< l=; t=, x= in seconds since 1970
  unsigned instance = 0;                                         ///< ARC i=
  std::string chain;                                             ///< ARC cv=
};

/// What came of one signature.
struct Verdict {
  Result result = Result::none;
  Reason reason = Reason::verified;
  std::string detail;                   ///< a sentence for people
  std::size_t offset = 0;               ///< octet of the input at which the field begins
  Signature signature;                  ///< as far as it could be read
  std::optional<KeyLookup> key_lookup;  ///< absent: DNS was not asked
  std::optional<KeyRecord> key_record;  ///< the one used
  unsigned key_bits = 0;                ///< 0: unknown
  /// Where policy or a date alone decides: whether the mathematics agrees.
  std::optional<bool> mathematics;
  std::string body_hash_found;        ///< raw; empty: not computed
  std::uint64_t body_octets = 0;      ///< of the canonical body
  std::uint64_t unsigned_octets = 0;  ///< of it, those that l= leaves out
  /// Fields that may occur once and are signed, but of which another could be added unseen (RFC 6376 §5.4.2, §8.15).
  std::vector<std::string> can_be_added;
  std::vector<std::string> over_signed;
  std::optional<bool> body_intact, header_intact;  ///< absent: could not be looked at
  std::vector<Explanation> explanations;           ///< of a mismatch
  std::vector<std::string> remarks;                ///< weak key, testing flag, l=, a clock ahead …
};

struct Options {
  WallTime now;
  std::size_t most_signatures = 20;
  bool explain = true;  ///< look for what broke a signature
};

}  // namespace smtpdx::dkim
