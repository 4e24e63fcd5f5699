// SPDX-License-Identifier: Apache-2.0
// links: arc dkim mail dns io trace base
// Any octets as a message with ARC sets: a verdict always comes, and only a chain whose signatures hold passes; none
// can here, for nobody has the key.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "arc/validate.hpp"
#include "dkim/test_signer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtpdx;
  static const auto key = dkim::TestKey::rsa(1024);
  dkim::TestResolver resolver;
  resolver.texts["s._domainkey.example.org"] = {key.record()};
  const std::string octets(reinterpret_cast<const char*>(data), size);
  dkim::TestRuntime runtime;
  dkim::KeyCache cache;
  const dkim::Message message(octets);
  const auto chain =
      io::run(runtime, arc::validate(message, resolver, cache, {dkim::test_time}, Deadline(TimePoint{1h})));
  if (chain.result == arc::Result::pass) std::abort();
  if (chain.result == arc::Result::none && chain.reason != arc::Reason::no_chain) std::abort();
  if (chain.detail.empty() || chain.broken_at > 50) std::abort();
  return 0;
}
