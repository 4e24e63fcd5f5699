// SPDX-License-Identifier: Apache-2.0
// links: dmarc
// Any octets as a DMARC record: every flaw lies within it, both standards make something of it, and an evaluation with
// it everywhere ends with its reasons.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dmarc/check.hpp"
#include "dmarc/words.hpp"
#include "dns/test_zone.hpp"
#include "io/real.hpp"
#include "io/runtime.hpp"

namespace {

namespace dmarc = smtpdx::dmarc;

void demand(bool condition) {
  if (!condition) std::abort();
}

void check_reader(std::string_view text) {
  dmarc::is_near_record(text);
  if (!dmarc::is_record(text)) return;
  const auto record = dmarc::parse_record(text);
  demand(record.pct <= 100);
  for (const auto& flaw : record.flaws) {
    demand(std::size_t{flaw.offset} + flaw.length <= text.size());
    demand(!dmarc::describe(flaw, text).empty());
  }
  for (auto profile : {dmarc::Profile::rfc7489, dmarc::Profile::rfc9989}) {
    const auto effect = dmarc::effective(record, profile);
    if (effect.use != dmarc::Effective::Use::whole) demand(effect.p == dmarc::Policy::none && !effect.sp && !effect.np);
  }
}

void check_evaluation(const std::string& text, unsigned seed) {
  static const auto runtime = smtpdx::io::make_runtime(std::nullopt);
  static const dmarc::PublicSuffixes suffixes;
  smtpdx::dns::TestZone zone;
  const char* names[] = {"_dmarc.a.example.org", "_dmarc.example.org", "_dmarc.org", "_dmarc.b.example.org"};
  for (unsigned i = 0; i < 4; ++i)
    if (seed >> i & 1) zone.add(names[i], "TXT", i == 1 && seed & 16 ? "v=DMARC1; p=none; psd=n" : text);
  if (seed & 32) zone.add("_dmarc.org", "FAIL", "");
  for (auto profile : {dmarc::Profile::rfc7489, dmarc::Profile::rfc9989}) {
    dmarc::Question question{profile, "a.example.org", {}};
    question.identifiers.push_back({dmarc::Mechanism::dkim, "b.example.org", dmarc::Verdict::pass, text});
    question.identifiers.push_back(
        {dmarc::Mechanism::spf, seed & 64 ? text : "example.org", dmarc::Verdict::temperror, ""});
    const auto deadline = runtime->deadline_in(std::chrono::seconds(60));
    const auto outcome = smtpdx::io::run(*runtime, dmarc::check(zone, suffixes, question, deadline));
    demand(!dmarc::why(outcome).empty() && !dmarc::headline(outcome).empty());
    dmarc::trace(outcome);
    demand(outcome.requested <= outcome.published);
    if (outcome.result == dmarc::Result::fail || outcome.result == dmarc::Result::pass)
      demand(outcome.record.has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_reader(text);
  check_reader("v=DMARC1;" + text);
  check_evaluation("v=DMARC1;" + text, data[0]);
  return 0;
}
