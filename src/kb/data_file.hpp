// SPDX-License-Identifier: Apache-2.0
#pragma once

// One TOML file of data/ → typed entries, or a list of what is wrong with it. The only place that knows toml++.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kb/catalogue.hpp"
#include "kb/checks.hpp"
#include "kb/letters.hpp"

namespace smtpdx::kb {

template <class T>
struct Located {
  T value;
  std::string path;
  std::size_t line = 0;
};

struct DataFile {
  std::vector<Located<Cause>> causes;
  std::vector<Located<Phrase>> phrases;
  std::vector<Located<CodeMeaning>> codes;
  std::vector<Located<LetterBook>> letters;
  std::vector<Located<Check>> checks;
  std::vector<Error> defects;  ///< each "path:line: what"
};

Error defect_at(std::string_view path, std::size_t line, std::string_view what);

/// What a file holds follows from its directory: causes/, phrases/, letters/, checks/ or codes/ anywhere in `path`.
/// Files of other directories are not this loader's business and give nothing.
DataFile read_data_file(const Catalogue::Source& source);

}  // namespace smtpdx::kb
