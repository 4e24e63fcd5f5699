// SPDX-License-Identifier: Apache-2.0
#pragma once

// The knowledge in data/, parsed and validated: causes, phrases, codes. A mail administrator changes the TOML; this
// file only gives it types. Schema: docs/data.md.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "kb/words.hpp"

// Matching (Catalogue::match): case is ignored, white space runs count as one space, `*` fits any run, a pattern may
// lie anywhere in the text. Details and limits: kb/phrase_match.hpp.

namespace smtpdx::kb {

class Pattern;
class PatternIndex;

struct ProofText {
  std::string kind;
  std::string text;
};  ///< kind: flip, statement, record
struct Rival {
  std::string code;
  std::string apart;
};
struct Test {
  Consent consent = Consent::local;
  std::string text;
};
struct Fix {
  std::string product;
  std::vector<std::string> steps;
  std::string takes_effect;
};
struct Confirm {
  std::string command;
  std::string shows;
};
struct Letter {
  std::string to;
  std::string subject;
  std::string body;
};

struct Cause {
  std::string code, id, tier, who, title, explanation, unprovable;
  std::size_t number = 0;  ///< permanent_number(code): what belongs to a cause is found by it without comparing names
  Party party = Party::unknown;
  Reason reason = Reason::unknown;
  std::vector<std::string> necessary, says_nothing;
  std::vector<ProofText> proofs;
  std::vector<Rival> rivals;
  std::vector<Test> tests;
  std::vector<Fix> fixes;
  Confirm confirm;
  std::optional<Letter> letter;
};

/// Words of a refusal and what they can mean.
struct Phrase {
  std::string id, pattern, states, sample, source, seen;
  std::vector<std::string> codes;   ///< "554", "5.7.1", "554 5.7.1"; empty = any
  std::vector<std::string> causes;  ///< likeliest first
  Reason reason = Reason::unknown;
  std::optional<Party> party;
  bool wrapper = false;
  bool vague = false;  ///< words of many meanings: counts only where no other phrase fits
};

struct CodeMeaning {
  std::string code, classes, reference, meaning;
  std::optional<Reason> reason;
};

/// A reply reduced to what phrases look at.
struct ReplyWords {
  int code = 0;        ///< 0 where unknown
  std::string status;  ///< "5.7.1" or empty
  std::string text;    ///< as received; folding and case are the matcher's business
};

struct PhraseMatch {
  const Phrase* phrase = nullptr;
  std::size_t from = 0, to = 0;  ///< octets of ReplyWords::text that the pattern covers
  bool code_agrees = false;      ///< the phrase names codes and one of them fits
};

class Catalogue {
 public:
  Catalogue();
  ~Catalogue();
  Catalogue(Catalogue&&) noexcept;
  Catalogue& operator=(Catalogue&&) noexcept;

  struct Source {
    std::string path;
    std::string text;
  };
  /// All or nothing: the first thing wrong is the Error, with path and line.
  static Result<Catalogue> load(const std::vector<Source>& files);
  /// Everything wrong with the files, samples that do not select their own phrase included; each says path and line.
  static std::vector<Error> defects(const std::vector<Source>& files);
  /// The compiled-in data, parsed once a process, thread-safe. Ends the program where it is broken: the unit test
  /// kb/catalogue_test.cpp keeps such data from being built. Lives as long as the program.
  static const Catalogue& builtin();

  const std::vector<Cause>& causes() const { return causes_; }  ///< in the order S01 … S70
  const Cause* cause(std::string_view code_or_id) const;
  /// The nearest code by spelling, for "did you mean"; nullptr where none is near.
  const Cause* nearest(std::string_view word) const;
  const std::vector<Phrase>& phrases() const { return phrases_; }
  /// All phrases that fit, best first: vague ones last, then code agrees before not, non-wrapper before wrapper only
  /// where both agree equally, then longer pattern. A phrase that names codes of which none fits is left out where the
  /// reply has a code; a code that the reply does not have (554 without enhanced status against "5.7.1") is not held
  /// against it.
  std::vector<PhraseMatch> match(const ReplyWords& words) const;
  /// Meaning of an enhanced status or a basic code; the class-independent row ("X.7.1") where there is no exact one.
  const CodeMeaning* code(std::string_view code) const;

 private:
  struct Loaded;
  void add(Phrase phrase);
  static Loaded read(const std::vector<Source>& files);
  std::vector<Error> sample_defects(const std::vector<std::string>& places) const;

  std::vector<Cause> causes_;
  std::unordered_map<std::string_view, const Cause*> by_code_;  ///< into causes_, which never grows after read()
  std::vector<Phrase> phrases_;
  std::vector<Pattern> patterns_;  ///< of phrases_, same order
  std::unique_ptr<PatternIndex> index_;
  std::vector<CodeMeaning> codes_;
};

}  // namespace smtpdx::kb
