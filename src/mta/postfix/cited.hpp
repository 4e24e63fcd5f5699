// SPDX-License-Identifier: Apache-2.0
#pragma once

// Text that remembers, octet by octet, which line of which file it came from: what is said about a configuration can
// then cite the very line, also after continuation lines were joined and $names replaced. Values; threads may share
// copies.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mta/where.hpp"

namespace smtpdx::mta::postfix {

using mta::Where;

class Cited {
 public:
  Cited() = default;
  Cited(std::string_view text, const Where& where) { append(text, where); }

  void append(std::string_view text, const Where& where);
  /// Appends octets [from, from+count) of `other` with their places.
  void append(const Cited& other, std::size_t from = 0, std::size_t count = std::string::npos);
  Cited slice(std::size_t from, std::size_t count = std::string::npos) const;
  Cited trimmed() const;

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }
  /// The place of the octet at `offset`; of the last one beyond the end; the built-in one where there is no text.
  Where where(std::size_t offset = 0) const;

 private:
  std::string text_;
  std::vector<std::pair<std::size_t, Where>> runs_;  // start of each run of octets from one line, ascending
};

/// Splits at white space and the octets of `separators`, but not inside { }. Empty parts are dropped. This is how
/// Postfix splits lists of patterns and restrictions (postconf(5), "type:table" patterns such as inline:{ a=b, c=d }).
std::vector<Cited> split_outside_braces(const Cited& value, std::string_view separators);
/// The end (one past) of the brace expression that starts at `text[from] == open`; npos where it never closes.
std::size_t matching_brace(std::string_view text, std::size_t from, char open = '{', char close = '}');

}  // namespace smtpdx::mta::postfix
