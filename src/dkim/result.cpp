// SPDX-License-Identifier: Apache-2.0
#include "dkim/result.hpp"

#include <algorithm>
#include <array>

namespace smtpdx::dkim {

const char* to_string(Result result) {
  switch (result) {
    case Result::none:
      return "none";
    case Result::pass:
      return "pass";
    case Result::fail:
      return "fail";
    case Result::policy:
      return "policy";
    case Result::neutral:
      return "neutral";
    case Result::temperror:
      return "temperror";
    case Result::permerror:
      return "permerror";
  }
  return "";
}

namespace {

struct Row {
  Reason reason;
  const char* word;
  const char* section;
};

constexpr std::array rows{
    Row{Reason::verified, "verified", ""},
    Row{Reason::syntax, "syntax", "RFC 6376 §6.1.1"},
    Row{Reason::tag_missing, "tag-missing", "RFC 6376 §6.1.1"},
    Row{Reason::version, "version", "RFC 6376 §6.1.1"},
    Row{Reason::algorithm, "algorithm", "RFC 6376 §3.3.4"},
    Row{Reason::canonicalization, "canonicalization", "RFC 6376 §3.4"},
    Row{Reason::query_method, "query-method", "RFC 6376 §3.5"},
    Row{Reason::identity, "identity", "RFC 6376 §6.1.1"},
    Row{Reason::from_not_signed, "from-not-signed", "RFC 6376 §6.1.1"},
    Row{Reason::expired, "expired", "RFC 6376 §6.1.1"},
    Row{Reason::expires_before_signed, "expires-before-signed", "RFC 6376 §3.5"},
    Row{Reason::body_length, "body-length", "RFC 6376 §3.5"},
    Row{Reason::sha1, "sha1", "RFC 8301 §3.1"},
    Row{Reason::too_many, "too-many", "RFC 6376 §6.1"},
    Row{Reason::key_missing, "key-missing", "RFC 6376 §6.1.2"},
    Row{Reason::key_unavailable, "key-unavailable", "RFC 6376 §6.1.2"},
    Row{Reason::key_syntax, "key-syntax", "RFC 6376 §6.1.2"},
    Row{Reason::key_revoked, "key-revoked", "RFC 6376 §6.1.2"},
    Row{Reason::key_malformed, "key-malformed", "RFC 6376 §6.1.2"},
    Row{Reason::key_too_short, "key-too-short", "RFC 8301 §3.2"},
    Row{Reason::key_algorithm, "key-algorithm", "RFC 6376 §6.1.2"},
    Row{Reason::key_hash, "key-hash", "RFC 6376 §6.1.2"},
    Row{Reason::key_service, "key-service", "RFC 6376 §3.6.1"},
    Row{Reason::key_strict, "key-strict", "RFC 6376 §3.6.1"},
    Row{Reason::body_changed, "body-changed", "RFC 6376 §6.1.3"},
    Row{Reason::signature_mismatch, "signature-mismatch", "RFC 6376 §6.1.3"},
    Row{Reason::field_forbidden, "field-forbidden", "RFC 8617 §4.1"},
};

const Row& row(Reason reason) {
  return *std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.reason == reason; });
}

bool holds(const std::vector<std::string>& list, const char* word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

const char* to_string(Reason reason) { return row(reason).word; }
const char* section(Reason reason) { return row(reason).section; }

const char* to_string(Change change) {
  switch (change) {
    case Change::unknown:
      return "unknown";
    case Change::footer:
      return "footer";
    case Change::banner:
      return "banner";
    case Change::inserted:
      return "inserted";
    case Change::from_escaped:
      return "from-escaped";
    case Change::dots_stuffed:
      return "dots-stuffed";
    case Change::line_ends:
      return "line-ends";
    case Change::re_encoded:
      return "re-encoded";
    case Change::white_space:
      return "white-space";
    case Change::other_key:
      return "other-key";
    case Change::field_added:
      return "field-added";
    case Change::field_changed:
      return "field-changed";
  }
  return "";
}

bool KeyRecord::testing() const { return holds(flags, "y"); }
bool KeyRecord::strict() const { return holds(flags, "s"); }

}  // namespace smtpdx::dkim
