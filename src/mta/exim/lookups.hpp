// SPDX-License-Identifier: Apache-2.0
#pragma once

// Look-ups (specification, chapter 9) in the files below the configuration directory and in DNS. Databases, sockets and
// compiled tables cannot be asked: their answers are open.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mta/exim/context.hpp"
#include "mta/exim/regex.hpp"

namespace smtpdx::mta::exim {

/// A text file of keys and data, as lsearch reads it.
struct SearchFile {
  struct Entry {
    std::string key, data;
    unsigned line = 0;
  };
  std::string name;  ///< relative to the configuration directory
  std::vector<Entry> entries;
  std::unordered_map<std::string, std::size_t> first;  ///< lower-case key → its first entry
};

/// Everything that is read from disk or compiled, once a configuration. Not for several threads at a time.
class Files {
 public:
  explicit Files(std::shared_ptr<const Directory> directory) : directory_(std::move(directory)) {}

  /// Null where it cannot be read; `why` says the reason.
  const std::string* text(const std::string& name, std::string& why);
  const SearchFile* search(const std::string& name, std::string& why);
  const Regex& regex(const std::string& pattern, Regex::Case letters);
  /// The items of a list, split once.
  std::shared_ptr<const std::vector<std::string>> items(std::string_view list);
  /// Does something of that name lie in the directory; nullopt where the name leads out of it.
  std::optional<bool> exists(const std::string& name);
  const Directory& directory() const { return *directory_; }

 private:
  std::optional<bool> looked_for(const std::string& name) const;
  struct Read {
    std::optional<std::string> text;
    std::string why;
  };
  std::shared_ptr<const Directory> directory_;
  std::map<std::string, Read> texts_;
  std::map<std::string, std::optional<bool>> there_;
  std::map<std::string, SearchFile> searches_;
  std::map<std::pair<std::string, bool>, std::unique_ptr<Regex>> regexes_;
  std::map<std::string, std::shared_ptr<const std::vector<std::string>>, std::less<>> items_;
  std::size_t kept_ = 0;
};

/// "partial-lsearch*@,ret=key".
struct LookupType {
  std::string name;
  std::string options;
  int partial = -1;          ///< least number of components; -1: not partial
  std::string affix = "*.";  ///< put before a partial key
  bool star = false, star_at = false;
  bool query = false;  ///< its question is one string, without a file
  bool known = false;  ///< Exim has such a type
};
LookupType lookup_type(std::string_view spec);

struct Found {
  enum State { no, yes, deferred, failed, open } state = no;
  Text data;
  std::string why;                ///< of deferred and open; where found: file, line and key
  std::vector<std::string> wild;  ///< $1 and $2 of a partial match
};
/// `file` is empty for a query.
Found look_up(Context& c, const LookupType& type, const std::string& key, const Text& file);

}  // namespace smtpdx::mta::exim
