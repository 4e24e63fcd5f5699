// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "render/render.hpp"

namespace smtpdx::render {

/// explain_json without the causes and the final newline: what a diagnosis says of the refusal it began with.
std::string refusal_json(const Subject& subject);

}  // namespace smtpdx::render
