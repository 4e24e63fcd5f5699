// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/time.hpp"
#include "dns/answer.hpp"
#include "dns/wire.hpp"
#include "io/runtime.hpp"
#include "io/task.hpp"
#include "trace/log.hpp"

// Inside the floor only: what stands behind the cache of a run's Resolver.

namespace smtpdx::dns {

/// One look-up under way: the question in its normal form and the conversation it is written to.
struct Inquiry {
  wire::Question question;
  Deadline deadline;
  trace::Channel* channel = nullptr;  ///< never null; holds the question already, receives remarks

  /// A remark of ours ("truncated, asked again by TCP").
  void note(const io::Runtime& runtime, std::string_view text) const {
    channel->add(runtime.now(), trace::Direction::note, text);
  }
};

/// A way to find an answer. No cache, no evidence and no `took`: those are the caller's.
class Upstream {
 public:
  virtual ~Upstream() = default;
  virtual io::Task<Answer> ask(Inquiry inquiry) = 0;
  /// Who is asked, for the trace: "192.0.2.53:53", or "the root servers".
  virtual std::string peer() const = 0;
};

/// An Answer to `question` that holds no more than a failure.
inline Answer failed_answer(const wire::Question& question, Status status, std::string why) {
  Answer answer;
  answer.name = answer.canonical_name = question.name;
  answer.type = question.type;
  answer.status = status;
  answer.why = std::move(why);
  return answer;
}

}  // namespace smtpdx::dns
