// SPDX-License-Identifier: Apache-2.0
#include "dns/validating.hpp"

#include <utility>

namespace smtpdx::dns {

Validating::Validating(io::Runtime& runtime, std::unique_ptr<Upstream> validator, std::unique_ptr<Stub> plain,
                       AnchorSource source)
    : runtime_(runtime), validator_(std::move(validator)), plain_(std::move(plain)), source_(source) {}

io::Task<Answer> Validating::ask(Inquiry inquiry) {
  if (forwarders_strip_) {
    auto unvalidated = co_await plain_->ask(inquiry);
    co_return unvalidated;
  }
  if (!alive_) {
    auto first = co_await plain_->ask(inquiry);
    if (first.status == Status::timed_out || first.status == Status::local) co_return first;
    alive_ = true;
  }
  auto answer = co_await validator_->ask(inquiry);
  if (answer.status != Status::servfail) co_return answer;
  auto better = answer.validation == Validation::bogus ? doubt_bogus(inquiry, std::move(answer))
                                                       : explain_failure(inquiry, std::move(answer));
  answer = co_await better;
  co_return answer;
}

io::Task<Answer> Validating::doubt_bogus(Inquiry inquiry, Answer bogus) {
  if (source_ == AnchorSource::given) co_return bogus;
  auto root = inquiry;
  root.question = {"", Type::DNSKEY};
  auto keys = co_await validator_->ask(root);
  if (keys.validation == Validation::secure) co_return bogus;
  forwarders_strip_ = true;
  inquiry.note(runtime_, "the resolver does not hand on DNSSEC signatures: answers are not validated from here on");
  auto unvalidated = co_await plain_->ask(inquiry);
  co_return unvalidated;
}

io::Task<Answer> Validating::explain_failure(Inquiry inquiry, Answer failure) {
  auto unvalidated = co_await plain_->ask(inquiry);
  if (unvalidated.status == Status::servfail || unvalidated.status == Status::timed_out) co_return unvalidated;
  if (source_ == AnchorSource::built_in) co_return unvalidated;
  failure.why = "validation could not be completed, though the resolver answers";
  co_return failure;
}

}  // namespace smtpdx::dns
