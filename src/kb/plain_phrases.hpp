// SPDX-License-Identifier: Apache-2.0
#pragma once

// The quick way into the compiled-in phrases: three thousand of them are read at every start. It knows the few lines
// that phrase files consist of and no TOML beside; the unit test holds it against the strict reader (data_file.hpp).

#include <optional>
#include <string_view>
#include <vector>

#include "kb/catalogue.hpp"

namespace smtpdx::kb {

/// The phrases of one file; nullopt where any line is of another form. Nothing is checked: that was done before the
/// data was compiled in.
std::optional<std::vector<Phrase>> read_plain_phrases(std::string_view toml);

}  // namespace smtpdx::kb
