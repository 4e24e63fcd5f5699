// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of one configuration, read only. Nothing outside the directory given is opened, whatever the configuration
// names: the directory may be a stranger's.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mta/postfix/cited.hpp"

namespace smtpdx::mta::postfix {

inline constexpr std::size_t max_file_size = 4u << 20;

class Directory {
 public:
  explicit Directory(std::filesystem::path root) : root_(std::move(root)) {}

  struct File {
    std::string name;  ///< relative to the directory: what citations say
    std::string text;
  };
  /// `named` is "main.cf", "/etc/postfix/virtual", or the directory's own absolute path with something behind it.
  /// Errors: unreadable (absent, outside, no regular file), limit (larger than max_file_size), system.
  Result<File> read(std::string_view named) const;
  /// The octets of a compiled table, as they are. Errors as for read().
  Result<std::string> octets(std::string_view named) const;
  /// It would lie in the directory, and nothing of that name is there. What lies elsewhere may well exist.
  bool lacks(std::string_view named) const;
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

/// One logical line: lines that begin with white space continue the one before; empty lines and lines whose first
/// visible octet is "#" count for nothing, also in the midst of a continuation (postconf(5), "FILE FORMAT").
std::vector<Cited> logical_lines(const Directory::File& file);

}  // namespace smtpdx::mta::postfix
