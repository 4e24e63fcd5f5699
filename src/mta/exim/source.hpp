// SPDX-License-Identifier: Apache-2.0
#pragma once

// The logical lines of an Exim configuration, as the server reads them (specification, chapter 6): macros replaced,
// files included, .ifdef blocks left out, continuations joined.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/directory.hpp"
#include "mta/where.hpp"

namespace smtpdx::mta::exim {

struct Line {
  std::string text;
  Where where;  ///< of its last physical line: this is what Exim's own debugging says
};

/// Hands out one line after the other, because a macro holds from the line after its definition on.
class Source {
 public:
  struct Part {
    Directory::File file;
    unsigned before = 0;  ///< lines of the file that stand before this part
  };
  /// Several parts are read one after the other as if they were one. Everything else is found through `directory`.
  Source(const Directory& directory, std::vector<Part> parts);

  /// nullopt at the end. Errors: malformed (file and line), unreadable (an included file), limit (include loops, more
  /// than 200,000 lines, lines that macros blow up).
  Result<std::optional<Line>> next();

  /// A macro by its definition; `again` is the form NAME == value. Error malformed where Exim would not start.
  Result<void> define(const std::string& name, const std::string& value, bool again);
  bool defined(std::string_view name) const;

 private:
  struct Open {
    Directory::File file;
    std::size_t at = 0;
    unsigned line = 0;
  };
  struct Block {
    bool taken = false;   ///< some branch was taken already
    bool active = false;  ///< this branch is read
    bool outer = true;    ///< what is around it is read
  };
  struct Macro {
    std::string name, value;
  };
  std::optional<std::string_view> physical();
  Result<bool> substitute(std::string& line, std::size_t from) const;
  Result<bool> directive(const std::string& line, bool substituted);
  Result<bool> conditional(std::string_view word, bool substituted);
  Result<void> include(const std::string& line);
  bool skipping() const { return !blocks_.empty() && !blocks_.back().active; }
  Where here() const;
  std::unexpected<Error> wrong(const std::string& what) const;

  const Directory& directory_;
  std::vector<Part> later_;  ///< last one first
  std::vector<Open> open_;
  std::vector<Block> blocks_;
  std::vector<Macro> macros_;
  Where last_;
  std::size_t lines_ = 0;
};

/// A value in double quotes with its escapes undone; any other value as it is. Error malformed for a missing quote.
Result<std::string> unquoted(std::string_view value);

}  // namespace smtpdx::mta::exim
