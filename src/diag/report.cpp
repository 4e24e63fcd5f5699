// SPDX-License-Identifier: Apache-2.0
#include "diag/report.hpp"

namespace smtpdx::diag {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::proved:
      return "proved";
    case Verdict::likely:
      return "likely";
    case Verdict::possible:
      return "possible";
    case Verdict::ruled_out:
      return "ruled out";
    case Verdict::untested:
      return "untested";
    case Verdict::silent:
      return "silent";
  }
  return "";
}

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::none:
      return "none";
    case Proof::flip:
      return "flip";
    case Proof::statement:
      return "statement";
    case Proof::record:
      return "record";
  }
  return "";
}

std::string_view to_string(Side side) {
  switch (side) {
    case Side::none:
      return "";
    case Side::ours:
      return "ours";
    case Side::theirs:
      return "theirs";
    case Side::consent:
      return "consent";
  }
  return "";
}

std::string_view to_string(Conclusion conclusion) {
  switch (conclusion) {
    case Conclusion::problem:
      return "problem";
    case Conclusion::no_problem:
      return "no-problem";
    case Conclusion::inconclusive:
      return "inconclusive";
  }
  return "";
}

}  // namespace smtpdx::diag
