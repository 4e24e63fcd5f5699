// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace smtpdx::kb {

struct EmbeddedFile {
  std::string_view path;  ///< below data/, e.g. "causes/submit.auth_not_attempted.toml"
  std::string_view text;
};

/// data/, compiled in. Lives as long as the program.
std::span<const EmbeddedFile> embedded_files();

}  // namespace smtpdx::kb
