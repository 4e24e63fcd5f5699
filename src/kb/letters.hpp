// SPDX-License-Identifier: Apache-2.0
#pragma once

// Letters in other languages: data/letters/LANG.toml, read when one is asked for (parsing them at every start would
// cost each run some milliseconds). The English letters stand in data/causes/, beside the cause they belong to. Schema:
// docs/data.md.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kb/catalogue.hpp"

namespace smtpdx::kb {

/// One language. `opening`, `check` and `closing` stand around every body; English bodies hold theirs already.
struct LetterBook {
  std::string language;
  std::string opening, check, closing;
  std::map<std::string, std::string> to;  ///< "own-admin" → "the admin of our own mail system"
  std::map<std::string, Letter> letters;  ///< by cause code; `to` is the cause's and empty here
  Letter inquiry;                         ///< where no cause is settled: asks the refuser, claims nothing
  Letter general;                         ///< for causes that have no letter of their own in this language
};

/// Languages there are letters in, "en" first.
const std::vector<std::string_view>& letter_languages();
/// ErrorKind::usage for a language that is not there.
Result<LetterBook> letter_book(std::string_view language);
/// Everything wrong with one file of data/letters/, each with path and line.
std::vector<Error> letter_defects(const Catalogue::Source& file);

/// The whole inquiry, placeholders still in; goes to the postmaster of the other side.
Letter compose_inquiry(const LetterBook& book);
/// Addressee, subject and whole body, placeholders still in (`{command}`: the cause's confirmation); `cause` has a
/// letter.
Letter compose(const LetterBook& book, const Cause& cause);

}  // namespace smtpdx::kb
