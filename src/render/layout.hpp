// SPDX-License-Identifier: Apache-2.0
#pragma once

// What all text output for people is laid out by.

#include <string>
#include <string_view>

namespace smtpdx::render {

/// Folds `text` at `width` (0: never) behind a label; further lines are indented by the label's length. Ends in a line
/// end. Commands are not to be folded: they are to be copied.
std::string folded(std::string_view label, std::string_view text, unsigned width);

/// A word as it is to be typed in a POSIX shell: quoted where it has to be. Control characters are shown, not passed
/// on.
std::string shell_word(const std::string& word);

}  // namespace smtpdx::render
