// SPDX-License-Identifier: Apache-2.0
#pragma once

// Key records: looked up, read, and held against a signature (RFC 6376 §3.6, §6.1.2; RFC 8301; RFC 8463).

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "dkim/result.hpp"
#include "dkim/signature.hpp"
#include "dns/resolver.hpp"
#include "io/task.hpp"

namespace smtpdx::dkim {

/// Reads a TXT record. A Defect of Reason::key_syntax where it is no key record.
std::optional<Defect> read_key_record(std::string_view text, KeyRecord& out);

/// Asks for SELECTOR._domainkey.DOMAIN. Never fails: what went wrong is in the result.
io::Task<KeyLookup> look_up_key(dns::Resolver& resolver, std::string selector, std::string domain, Deadline deadline);

/// Keys read before, by p=: many mails carry signatures of the same few keys. One run, one thread.
class KeyCache {
 public:
  /// `base64` without white space. The Error says what is wrong with it.
  const smtpdx::Result<PublicKey>& get(KeyKind kind, const std::string& base64);

 private:
  std::map<std::string, smtpdx::Result<PublicKey>, std::less<>> keys_;  ///< by kind and base64; at most 1,000
};

/// What a look-up has for this signature: the key, or why there is none (the defect of the first record that is a key
/// record at all).
struct UsableKey {
  std::optional<PublicKey> key;
  KeyRecord record;
  std::optional<Defect> defect;  ///< with key set too: key_too_short, so that the mathematics can still be looked at
  bool is_record = false;        ///< the text is a key record
};
UsableKey usable_key(const std::string& text, const Signature& signature, FieldKind kind, KeyCache& cache);

}  // namespace smtpdx::dkim
