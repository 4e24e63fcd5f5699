// SPDX-License-Identifier: Apache-2.0
#pragma once

// What `check` looks at: a row for each id, with the words for both outcomes. Data: data/checks/.

#include <string>
#include <string_view>
#include <vector>

namespace smtpdx::kb {

struct Check {
  std::string id;        ///< "SPF-08"; permanent
  std::string area;      ///< as in `check --only`: "spf"
  std::string severity;  ///< info, warn or fail: what it is where it is found
  std::string rfc;       ///< "RFC 7208 §4.6.4"; may be empty
  std::string found;     ///< one sentence without a period, where the fault is there
  std::string fine;      ///< … where it is not
  std::vector<std::string> fix;
};

/// All of them, in the order of the data. The first use reads the data and ends the program where they are damaged.
const std::vector<Check>& checks();
/// Null where there is none.
const Check* find_check(std::string_view id);
/// The areas that have checks, in their order, none twice.
const std::vector<std::string>& check_areas();

}  // namespace smtpdx::kb
