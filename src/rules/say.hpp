// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "diag/report.hpp"

namespace smtpdx::rules {

/// Builds one verdict, argument by argument: each reason stands beside the observations that carry it.
class Say {
 public:
  static Say proved(diag::Proof proof, int rank = 0) {
    Say s(diag::Verdict::proved, rank);
    s.verdict_.proof = proof;
    return s;
  }
  static Say likely(int rank = 0) { return Say(diag::Verdict::likely, rank); }
  static Say possible(int rank = 0) { return Say(diag::Verdict::possible, rank); }
  static Say ruled_out() { return Say(diag::Verdict::ruled_out, 0); }
  static Say untested(diag::Side side, std::string needs) {
    Say s(diag::Verdict::untested, 0);
    s.verdict_.side = side;
    s.verdict_.needs = std::move(needs);
    return s;
  }
  static diag::CauseVerdict nothing() { return {}; }

  Say& because(const std::string& id, std::string reason = {}) {
    add_id(id);
    if (!reason.empty()) verdict_.reasons.push_back({std::move(reason), {id}});
    return *this;
  }
  Say& because(const std::vector<std::string>& ids, std::string reason) {
    for (const auto& id : ids) add_id(id);
    verdict_.reasons.push_back({std::move(reason), ids});
    return *this;
  }
  Say& since(std::string reason) {
    verdict_.reasons.push_back({std::move(reason), {}});
    return *this;
  }
  Say& rival(std::string code) {
    verdict_.rivals.push_back(std::move(code));
    return *this;
  }
  Say& needs(std::string what) {
    verdict_.needs = std::move(what);
    return *this;
  }
  /// Gives the verdict away: the last thing asked of a Say.
  operator diag::CauseVerdict() { return std::move(verdict_); }  // NOLINT: reads as `return Say::likely()…`

 private:
  Say(diag::Verdict verdict, int rank) {
    verdict_.verdict = verdict;
    verdict_.rank = rank;
  }
  void add_id(const std::string& id) {
    for (const auto& known : verdict_.because)
      if (known == id) return;
    verdict_.because.push_back(id);
  }
  diag::CauseVerdict verdict_;
};

}  // namespace smtpdx::rules
