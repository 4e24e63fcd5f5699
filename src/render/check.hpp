// SPDX-License-Identifier: Apache-2.0
#pragma once

// What `check` found, for people and for programs.

#include <string>

#include "diag/survey.hpp"
#include "render/render.hpp"

namespace smtpdx::render {

/// Contract §6, one compact document with a final newline. `log` may be null.
std::string check_json(const diag::CheckReport& report, const trace::Log* log);

/// What has to be done first, with its steps; then area by area, host by host, what is right and what is not known.
std::string check_text(const diag::CheckReport& report, const TextOptions& options);

}  // namespace smtpdx::render
