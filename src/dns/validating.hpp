// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "dns/stub.hpp"
#include "dns/upstream.hpp"

namespace smtpdx::dns {

enum class AnchorSource {
  given,     ///< by the user: an answer that cannot be validated is a failure
  built_in,  ///< the root key of this system: validation is a bonus, which forwarders that strip signatures cannot
             ///< spoil
};

/// The validator, and beside it a plain stub at the same forwarders that says what the validator levels to SERVFAIL:
/// the server's rcode, its extended error, or silence.
///
/// The first question of a run goes to the stub before the validator, which would try a dead forwarder until the
/// deadline and then not know whether it was refused, unreachable or silent.
///
/// With a built-in anchor only a proven bogus answer counts as bogus: where even the root's own keys do not validate
/// through the forwarders, they do not speak DNSSEC (many home routers do not), and the run goes on unvalidated.
class Validating : public Upstream {
 public:
  Validating(io::Runtime& runtime, std::unique_ptr<Upstream> validator, std::unique_ptr<Stub> plain,
             AnchorSource source);
  io::Task<Answer> ask(Inquiry inquiry) override;
  std::string peer() const override { return validator_->peer(); }

 private:
  io::Task<Answer> explain_failure(Inquiry inquiry, Answer failure);
  io::Task<Answer> doubt_bogus(Inquiry inquiry, Answer bogus);

  io::Runtime& runtime_;
  std::unique_ptr<Upstream> validator_;
  std::unique_ptr<Stub> plain_;
  AnchorSource source_;
  bool alive_ = false;  // a forwarder has answered in this run
  bool forwarders_strip_ = false;
};

}  // namespace smtpdx::dns
