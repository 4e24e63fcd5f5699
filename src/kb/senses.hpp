// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a refusal means where no phrase of data/phrases says it: not its wording is known, but its words. "There is no
// room left in bob's mailbox" speaks of a mailbox and of room; both in one sentence mean that it is full, whoever wrote
// it. The words and what they mean together: data/senses/senses.toml, in docs/data.md.
// Weaker than a phrase (nobody's sentence was recognised): a reason, never a cause.

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kb/words.hpp"

namespace smtpdx::kb {

struct Sense {
  /// Groups of words of which all have to stand in one sentence and none of others.
  struct Condition {
    std::bitset<128> all, none;
    std::bitset<128> anywhere;  ///< may also stand in another sentence
  };
  std::string id;
  Reason reason = Reason::unknown;
  int reply_class = 0;  ///< 4 or 5: only for such replies, or those without a code; 0 for any
  bool weak = false;    ///< says less than a code does
  std::vector<Condition> when;
  std::vector<std::string> samples;  ///< lines that select this very sense
};

class Senses {
 public:
  static constexpr std::size_t limit = 2000;  ///< octets looked at: what a reply says it says at its beginning
  /// The compiled-in ones, read when first asked for; thread-safe. Ends the program where they are broken: the unit
  /// test keeps such data from being built.
  static const Senses& builtin();
  /// The first thing wrong is the Error, with path and line. Samples are the test's business.
  static Result<Senses> load(std::string_view path, std::string_view text);

  /// The first sense, in the order of the file, that a sentence of `text` has; nullptr where none has.
  /// `reply_class` 0 where the reply has no code.
  enum class Strength { strong, weak };
  const Sense* read(std::string_view text, int reply_class, Strength strength) const;
  const std::vector<Sense>& senses() const { return senses_; }

 private:
  struct Word {
    std::string text;  ///< as it stands in a made-ready sentence, the bounding spaces included
    std::size_t group;
  };
  static std::size_t slot(const char* three);
  void index();
  std::bitset<128> groups_in(std::string_view sentence) const;
  std::vector<std::string> group_names_;
  std::vector<Word> words_;
  std::vector<std::vector<std::uint16_t>> by_start_;  ///< words_ by their first three octets, all at least that long
  std::vector<Sense> senses_;
  friend class SensesReader;
};

/// `text` cut into sentences and made ready for comparison: lower case, words parted by single spaces, spaces at both
/// ends, no punctuation. An address becomes "user@", an IP address "ip#", a host name "host#" followed by "dom:LABEL"
/// for each of its labels, and so does a URL's host.
std::vector<std::string> plain_sentences(std::string_view text);

}  // namespace smtpdx::kb
