// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exim's patterns: Perl's expressions, by the library that Exim itself uses (PCRE2), with bounded cost, because the
// pattern may be a stranger's.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::mta::exim {

class Regex {
 public:
  enum class Case { sensitive, ignored };
  Regex(std::string_view pattern, Case letters);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  /// Why the pattern is none; empty where it is one.
  const std::string& problem() const { return problem_; }

  struct Match {
    enum Result { no, yes, too_costly } result = no;
    std::vector<std::string> groups;  ///< $0, $1 and so on
    std::size_t begin = 0, end = 0;
  };
  /// The first match at or after `from`.
  Match match(std::string_view subject, std::size_t from = 0) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
  std::string problem_;
};

}  // namespace smtpdx::mta::exim
