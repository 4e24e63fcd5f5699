// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diag/case.hpp"
#include "diag/facts.hpp"
#include "diag/want.hpp"

namespace smtpdx::diag {

/// Meaning of the words: docs/verdicts.md.
enum class Verdict {
  proved,
  likely,
  possible,
  ruled_out,
  untested,
  silent
};  ///< silent: nothing speaks for or against it
std::string_view to_string(Verdict verdict);
enum class Proof { none, flip, statement, record };
std::string_view to_string(Proof proof);
enum class Side { none, ours, theirs, consent };
std::string_view to_string(Side side);

/// One step of the argument and the observations that carry it.
struct Reason {
  std::string text;
  std::vector<std::string> ids;
};

struct CauseVerdict {
  std::string code;
  Verdict verdict = Verdict::silent;
  Proof proof = Proof::none;
  std::vector<std::string> because;  ///< observation ids, each once
  std::vector<Reason> reasons;       ///< in the order of the argument; no final period
  std::vector<std::string> rivals;   ///< codes not yet excluded (likely)
  std::string needs;                 ///< what would settle it: an option, a file, a fact
  Side side = Side::none;            ///< on whose side the obstacle lies (untested)
  int rank = 0;                      ///< among equal verdicts the lower comes first
};

/// One round of judging: what is thought now, and what would be worth asking next.
struct Judgement {
  std::vector<CauseVerdict> causes;  ///< all causes with anything but `silent`, best first
  std::vector<Want> wants;           ///< cheapest first; the engine drops what was already run
  std::vector<CauseVerdict> denied;  ///< filled by the engine: wants that consent forbids
};

enum class Conclusion { problem, no_problem, inconclusive };
std::string_view to_string(Conclusion conclusion);

struct Report {
  Conclusion conclusion = Conclusion::inconclusive;
  std::string summary;
  std::optional<RefusalFact> refusal;
  std::vector<CauseVerdict> causes;  ///< proved, likely, possible; best first
  std::vector<CauseVerdict> ruled_out;
  std::vector<CauseVerdict> untested;
  std::vector<Observation> observations;
  std::string next;  ///< the one thing the user could add that would settle most
  Case question;
  Duration elapsed{0};
};

}  // namespace smtpdx::diag
