// SPDX-License-Identifier: Apache-2.0
#pragma once

// main.cf (postconf(5)): "name = value" a logical line, the last setting of a name wins. Values are kept raw: what a
// $name stands for depends on the service that reads it (parameters.hpp).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/postfix/directory.hpp"

namespace smtpdx::mta::postfix {

struct Setting {
  std::string name;
  Cited value;  ///< trimmed
  Where where;  ///< of the name
};

class MainCf {
 public:
  /// Error malformed, with file and line, for a line that Postfix itself would stop at.
  static Result<MainCf> parse(const Directory::File& file);

  /// The setting in force, or null.
  const Setting* find(std::string_view name) const;
  /// All of them in the order of the file, overruled ones too.
  const std::vector<Setting>& settings() const { return settings_; }

 private:
  std::vector<Setting> settings_;
  std::map<std::string, std::size_t, std::less<>> last_;
};

/// "name = value" or "name=value"; Error malformed where there is no name or no "=".
Result<Setting> parse_setting(const Cited& line);

}  // namespace smtpdx::mta::postfix
