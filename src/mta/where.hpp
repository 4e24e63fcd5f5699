// SPDX-License-Identifier: Apache-2.0
#pragma once

// A place in a configuration that can be cited.

#include <string>

namespace smtpdx::mta {

/// A line of a file. `file` is relative to the configuration directory; empty means the product's built-in default.
struct Where {
  std::string file;
  unsigned line = 0;  ///< from 1
  bool built_in() const { return file.empty(); }
  std::string to_string() const;  ///< "main.cf:14", "built-in default"
  bool operator==(const Where&) const = default;
};

}  // namespace smtpdx::mta
