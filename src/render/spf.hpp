// SPDX-License-Identifier: Apache-2.0
#pragma once

// A check of a sender policy, for people and for programs.

#include <string>

#include "render/render.hpp"
#include "spf/outcome.hpp"

namespace smtpdx::render {

/// Contract §6, one compact document with a final newline.
std::string spf_json(const spf::Outcome& outcome);

/// Order (contract §3): verdict · whose job · because · do this · prove it · details, which are the include tree.
std::string spf_text(const spf::Outcome& outcome, const TextOptions& options);

}  // namespace smtpdx::render
