// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/survey.hpp"

namespace smtpdx::rules {

/// What a finding is about, and what it rests on.
struct About {
  std::string subject;
  std::vector<std::string> because;  ///< observation ids
};

/// Collects findings by the ids of kb/checks.hpp, which gives title, severity, section and steps. Every check that ran
/// leaves one for each subject, `pass` too.
class Findings {
 public:
  explicit Findings(std::string target) : target_(std::move(target)) {}

  /// It is there where `fault`, with `detail`; else it passes, with no detail.
  void check(std::string_view id, const About& about, bool fault, std::string detail = {});
  void fault(std::string_view id, const About& about, std::string detail = {});
  void pass(std::string_view id, const About& about, std::string detail = {});
  /// Could not be found out.
  void untested(std::string_view id, const About& about, std::string why, diag::Side side = diag::Side::theirs);

  std::vector<diag::Finding> take() { return std::move(all_); }

 private:
  diag::Finding& add(std::string_view id, const About& about, std::string detail);
  std::string target_;
  std::vector<diag::Finding> all_;
};

}  // namespace smtpdx::rules
