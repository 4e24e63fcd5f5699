// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of one configuration, read only. Nothing outside the directory given is opened, whatever the configuration
// names and wherever links lead: the directory may be a stranger's.

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace smtpdx::mta {

inline constexpr std::size_t max_file_size = 4u << 20;

class Directory {
 public:
  /// `usual`: where the product keeps its files ("/etc/postfix"); a file named there is looked up below `root`.
  Directory(std::filesystem::path root, std::vector<std::string> usual)
      : root_(std::move(root)), usual_(std::move(usual)) {}

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
  /// The part of a name below the directory; nullopt where it lies elsewhere. Links are not looked at.
  std::optional<std::string> inside(std::string_view named) const;
  const std::filesystem::path& root() const { return root_; }
  /// From now on this file reads as `text`: what if it were edited so? Nothing is written.
  void suppose(std::string_view named, std::string text);

 private:
  std::filesystem::path root_;
  std::vector<std::string> usual_;
  std::map<std::string, std::string, std::less<>> supposed_;  ///< by name inside
};

}  // namespace smtpdx::mta
