// SPDX-License-Identifier: Apache-2.0
// links: dsn
// Any octets as what somebody pastes: never a crash, at most 1,000 refusals, evidence within the input, no made-up
// codes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dsn/reader.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

void check(const smtpdx::dsn::Refusal& refusal, std::string_view octets) {
  for (const auto& span : refusal.evidence) demand(span.offset + span.length <= octets.size());
  for (const auto* reply : {&refusal.reply, &refusal.decided()}) {
    demand(reply->code == 0 || (reply->code >= 200 && reply->code < 600));
    demand(reply->text.size() <= 64 * 1024);
  }
  auto reading = smtpdx::dsn::understand(refusal, smtpdx::kb::Catalogue::builtin());
  demand(reading.confidence >= 0 && reading.confidence <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  auto result = smtpdx::dsn::read({"fuzz", octets});
  demand(!result.refusals.empty() && result.refusals.size() <= 1000);
  for (const auto& refusal : result.refusals) check(refusal, octets);
  check(smtpdx::dsn::read_reply_text(octets), octets);
  auto unwrapped = smtpdx::dsn::unwrap(octets);
  demand(unwrapped.offset + unwrapped.length <= octets.size());
  return 0;
}
