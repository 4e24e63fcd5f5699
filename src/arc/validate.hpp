// SPDX-License-Identifier: Apache-2.0
#pragma once

// ARC chain validation (RFC 8617 §5.2) that says which set broke it and why.

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "dkim/key.hpp"
#include "dkim/message.hpp"
#include "dkim/result.hpp"
#include "dns/resolver.hpp"
#include "io/task.hpp"

namespace smtpdx::arc {

enum class Result { none, pass, fail };
const char* to_string(Result result);

/// Why. The words of to_string() are permanent.
enum class Reason {
  verified,
  no_chain,           ///< no ARC field at all
  bad_instance,       ///< i= is absent, or none of 1 to 50
  duplicate,          ///< a set has two fields of a kind
  incomplete,         ///< a set lacks one of its three fields
  gap,                ///< an instance is missing
  sealed_as_fail,     ///< the last sealer found the chain broken before
  chain_value,        ///< cv= is not none in the first set, or not pass in a later one
  message_signature,  ///< the last ARC-Message-Signature does not verify
  seal,               ///< an ARC-Seal does not verify
};
const char* to_string(Reason reason);  ///< "no-chain"
const char* section(Reason reason);    ///< "RFC 8617 §5.2"

struct Set {
  unsigned instance = 0;
  std::string results;                    ///< what ARC-Authentication-Results says, without i=
  dkim::Verdict seal, message_signature;  ///< reason verified and result none: not looked at
};

struct Chain {
  Result result = Result::none;
  Reason reason = Reason::no_chain;
  std::string detail;      ///< a sentence for people
  unsigned broken_at = 0;  ///< the instance that decided; 0: none
  bool temporary = false;  ///< it failed for want of an answer from DNS: asked again it may pass
  std::vector<Set> sets;   ///< by instance; empty where they cannot be told apart
  /// RFC 8617 §5.2: the first instance from which on every message signature verifies; 0 where all do. Only of a chain
  /// whose last message signature verifies.
  std::optional<unsigned> oldest_pass;
};

/// `message`, `resolver` and `cache` must outlive the task. Never fails.
io::Task<Chain> validate(const dkim::Message& message, dns::Resolver& resolver, dkim::KeyCache& cache,
                         dkim::Options options, Deadline deadline);

}  // namespace smtpdx::arc
