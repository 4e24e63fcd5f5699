// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of change.cpp: edits of single lines that keep everything else in the file, comments included, as it was. Not
// for other floors.

#include <optional>
#include <string>

#include "mta/postfix/change.hpp"

namespace smtpdx::mta::postfix {

using MaybeEdit = std::optional<LineEdit>;

/// Before this word of a list. nullopt where the word is not found on its line.
MaybeEdit insert_before(const Configuration& configuration, const Cited& word, const std::string& addition);
/// At the end of what a parameter is set to, by a service's -o, else in main.cf; a line of its own where nobody set it.
MaybeEdit append_to(const Configuration& configuration, const Service& service, const std::string& parameter,
                    const std::string& addition);
/// A line at the end of main.cf.
LineEdit append_setting(const std::string& setting);
/// Takes the line out; nullopt where the entry goes on in the next line or stands in no file.
MaybeEdit remove_entry(const Configuration& configuration, const Where& where);
/// One word of a line, with its comma.
MaybeEdit remove_word(const Configuration& configuration, const Cited& word);
/// Puts "name = value" in place of a setting of one line.
MaybeEdit replace_setting(const Configuration& configuration, const Where& where, const std::string& name,
                          const std::string& value);

}  // namespace smtpdx::mta::postfix
