// SPDX-License-Identifier: Apache-2.0
#pragma once

// One signature against one message, without DNS: what DKIM-Signature and ARC-Message-Signature have in common.

#include <optional>
#include <string>
#include <vector>

#include "dkim/canonical.hpp"
#include "dkim/key.hpp"
#include "dkim/message.hpp"
#include "dkim/result.hpp"
#include "dkim/signature.hpp"

namespace smtpdx::dkim {

/// What several signatures of a message share.
struct Context {
  explicit Context(const Message& m, KeyCache& c) : message(m), cache(c), bodies(m.body()) {}
  const Message& message;
  KeyCache& cache;
  BodyHashes bodies;
  unsigned searches_left = 8;  ///< for what broke a signature; a mail may carry many that do not match
};

/// Indices of the fields that h= selects, from the bottom up (RFC 6376 §5.4.2), one a name; nullopt for a name of which
/// none is left. `own`: the signature field itself, which is never selected.
std::vector<std::optional<std::uint32_t>> selected_fields(const Message& message, const Signature& signature,
                                                          std::uint32_t own);

/// The octets under the header hash: the selected fields, then the signature field without b= (RFC 6376 §3.7).
std::string signed_octets(const Message& message, const Signature& signature, std::uint32_t own);

/// Reads field `own` and judges all that needs no key: syntax, dates, the facts of h= and l=. True where a key would
/// tell more.
bool begin(Context& context, FieldKind kind, std::uint32_t own, const Options& options, Verdict& verdict);

/// With the key's look-up at hand: the key, and whether `octets` are what was signed. The key, where they are not.
std::optional<PublicKey> judge_with_key(Context& context, FieldKind kind, const std::string& octets, Verdict& verdict);

/// The rest of a signature over a message: judge_with_key(), and what broke it.
void finish(Context& context, FieldKind kind, std::uint32_t own, const Options& options, Verdict& verdict);

/// Sets result and reason.
void decide(Verdict& verdict, Result result, Reason reason, std::string detail);

}  // namespace smtpdx::dkim
