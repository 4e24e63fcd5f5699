// SPDX-License-Identifier: Apache-2.0
#pragma once

// The tests' own program plays the children, too: started with "--role NAME …" it is one of these.

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace smtpdx::seal {

using Role = std::function<int(const std::vector<std::string>& arguments)>;

inline std::map<std::string, Role>& roles() {
  static std::map<std::string, Role> all;
  return all;
}

struct RegisteredRole {
  RegisteredRole(const std::string& name, Role role) { roles()[name] = std::move(role); }
};

}  // namespace smtpdx::seal
