// SPDX-License-Identifier: Apache-2.0
#pragma once

// The verb `lookup`: one quick question, in MX Toolbox's words.

#include <string>
#include <vector>

#include "api/world.hpp"
#include "base/result.hpp"

namespace smtpdx::api {

/// "mx:example.org" taken apart.
struct LookupQuestion {
  std::string kind;      ///< one of lookup_kinds()
  std::string name;      ///< a name, an address for ptr, HOST[:PORT] for smtp and tcp
  std::string selector;  ///< dkim:DOMAIN:SELECTOR; empty: the common ones
};

const std::vector<std::string>& lookup_kinds();
/// Errors: usage, with the kinds that there are.
Result<LookupQuestion> read_lookup(const std::string& words);

enum class LookupStatus {
  found,
  absent,   ///< seen not to be there: NXDOMAIN, no such records; a port that refuses
  unknown,  ///< could not be found out
};
const char* to_string(LookupStatus status);

struct LookupResult {
  LookupQuestion question;
  LookupStatus status = LookupStatus::unknown;
  std::string why;                 ///< for absent and unknown
  std::string validation;          ///< DNSSEC: secure, insecure, bogus, unchecked; empty where nothing was asked of DNS
  std::vector<std::string> lines;  ///< what was found, one record or fact each; printable
  Duration elapsed{0};
};

LookupResult lookup(World& world, const LookupQuestion& question);

/// "smtpdx.lookup/1", one line with its end.
std::string lookup_document(const LookupResult& result);

}  // namespace smtpdx::api
