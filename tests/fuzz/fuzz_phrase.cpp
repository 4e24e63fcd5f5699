// SPDX-License-Identifier: Apache-2.0
// links: kb
// Any octets as a refusal's words: what the index finds is what every pattern alone finds, and hits lie within the
// words. Sentences made ready hold single spaces, and a sense says a reason.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "kb/catalogue.hpp"
#include "kb/phrase_match.hpp"
#include "kb/senses.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtpdx::kb;
  std::string words(reinterpret_cast<const char*>(data), size);
  const auto& catalogue = Catalogue::builtin();
  auto matches = catalogue.match({0, "", words});
  for (const auto& match : matches) demand(match.from <= match.to && match.to <= words.size());
  FoldedText text(words);
  std::size_t alone = 0;
  for (const auto& phrase : catalogue.phrases()) alone += Pattern(phrase.pattern).find(text) ? 1 : 0;
  demand(alone == matches.size());
  for (const auto& sentence : plain_sentences(words))
    demand(sentence.starts_with(' ') && sentence.ends_with(' ') && sentence.find("  ") == std::string::npos);
  for (auto strength : {Senses::Strength::strong, Senses::Strength::weak})
    for (int reply_class : {0, 4, 5})
      if (const Sense* sense = Senses::builtin().read(words, reply_class, strength))
        demand(sense->reason != Reason::unknown);
  return 0;
}
