// SPDX-License-Identifier: Apache-2.0
#include "kb/checks.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "kb/data_file.hpp"
#include "kb/embedded.hpp"

namespace smtpdx::kb {

namespace {

std::vector<Check> read_checks() {
  std::vector<Check> all;
  for (const auto& file : embedded_files()) {
    if (!file.path.starts_with("checks/")) continue;
    auto read = read_data_file({std::string(file.path), std::string(file.text)});
    for (const auto& defect : read.defects) {
      std::fprintf(stderr, "smtpdx: %s\n", defect.message.c_str());
      std::abort();
    }
    for (auto& check : read.checks) all.push_back(std::move(check.value));
  }
  return all;
}

}  // namespace

const std::vector<Check>& checks() {
  static const auto all = read_checks();
  return all;
}

const Check* find_check(std::string_view id) {
  const auto it = std::find_if(checks().begin(), checks().end(), [&](const Check& c) { return c.id == id; });
  return it == checks().end() ? nullptr : &*it;
}

const std::vector<std::string>& check_areas() {
  static const auto areas = [] {
    std::vector<std::string> all;
    for (const auto& check : checks())
      if (std::find(all.begin(), all.end(), check.area) == all.end()) all.push_back(check.area);
    return all;
  }();
  return areas;
}

}  // namespace smtpdx::kb
