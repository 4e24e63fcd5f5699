// SPDX-License-Identifier: Apache-2.0
#pragma once

// The data of a redirect router: what an alias says (specification, chapter 22).

#include <string>
#include <string_view>
#include <vector>

#include "mta/exim/context.hpp"

namespace smtpdx::mta::exim {

struct Redirection {
  enum Kind { none, list, fail, defer, blackhole, broken, filter } kind = none;
  std::string text;
  std::vector<std::string> addresses;  ///< qualified; pipes, files and users as they are written
};
Redirection read_redirection(std::string_view data, const Driver& router, Context& c);

}  // namespace smtpdx::mta::exim
