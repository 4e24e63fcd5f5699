// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the words of a refusal are compared with a phrase of data/phrases: letters of either case are equal, a run of
// white space equals one space, `*` stands for any run of up to 300 octets (also none), and the pattern may lie
// anywhere in the text. Plain search, no regular expressions: linear in the text for each pattern, the same result on
// every machine.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kb/catalogue.hpp"

namespace smtpdx::kb {

/// A text made ready to be searched many times. At most 16 KiB are looked at: no reply is longer (RFC 5321
/// §4.5.3.1.5 allows 512 octets a line), and a hostile one must not cost more than an honest one.
class FoldedText {
 public:
  static constexpr std::size_t limit = 16 * 1024;
  explicit FoldedText(std::string_view text);
  std::string_view folded() const { return folded_; }
  /// Octet of the original text that the folded octet `index` came from; the end for the end.
  std::size_t original(std::size_t index) const;

 private:
  std::string folded_;
  std::vector<std::size_t> origin_;  ///< empty where no octet was dropped
};

class Pattern {
 public:
  static constexpr std::size_t star_limit = 300;  ///< within one statement, not from one end of a report to the other
  explicit Pattern(std::string_view pattern);
  struct Hit {
    std::size_t from = 0, to = 0;  ///< octets of the original text
  };
  std::optional<Hit> find(const FoldedText& text) const;
  /// The hit of a pattern without star that begins at folded octet `at`.
  Hit hit_at(const FoldedText& text, std::size_t at) const;
  /// Octets that must be there; what "longer pattern" means.
  std::size_t weight() const { return weight_; }
  bool empty() const { return parts_.empty(); }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  std::vector<std::string> parts_;
  std::size_t weight_ = 0;
};

/// Many patterns searched at once: each is filed under four octets of its longest part, and a text is looked through
/// once for any of them. What is found may fit; what is not found cannot.
class PatternIndex {
 public:
  void add(const Pattern& pattern, std::size_t number);
  struct Candidate {
    std::uint32_t number;
    std::uint32_t at;  ///< folded octet where its first fit begins; `unknown` where Pattern::find has to say it
    static constexpr std::uint32_t unknown = 0xFFFFFFFF;
  };
  /// The patterns that may fit (that fit, where `at` is known), by number, each once.
  std::vector<Candidate> candidates(const FoldedText& text) const;

 private:
  static std::uint32_t hash(const char* four);
  static constexpr std::uint32_t slots = 1U << 14, marks = 1U << 16;
  struct Entry {
    std::uint32_t four, number, next;
    std::uint32_t offset;  ///< of the four octets within `whole`
    std::uint32_t first;   ///< the first four of `whole`: spares most looks at it
    std::string whole;     ///< the pattern where it has no star, else empty
  };
  std::bitset<marks> filed_;  ///< by more bits of the hash: small, and false for nearly all that is not filed
  std::vector<std::uint32_t> heads_ = std::vector<std::uint32_t>(slots, 0);  ///< index + 1 into entries_, 0 none
  std::vector<Entry> entries_;
  std::vector<Candidate> short_;  ///< patterns without a part of four octets: always candidates
};

enum class CodeFit { agrees, open, differs };
/// Compares a phrase's code word ("554", "5.7.1", "554 5.7.1") with a reply's. What the reply lacks is open, what it
/// has and says otherwise differs.
CodeFit code_fit(std::string_view wanted, int code, std::string_view status);
/// True for the three forms above.
bool is_code_word(std::string_view word);

/// Splits "550-5.7.1 text", "550 5.7.1 text", "5.7.1 text" or plain text as a phrase's sample is written.
ReplyWords sample_words(std::string_view sample);

}  // namespace smtpdx::kb
