// SPDX-License-Identifier: Apache-2.0
#pragma once

// The files of one Postfix configuration (mta/directory.hpp), and their logical lines.

#include <filesystem>
#include <vector>

#include "mta/directory.hpp"
#include "mta/postfix/cited.hpp"

namespace smtpdx::mta::postfix {

class Directory : public mta::Directory {
 public:
  explicit Directory(std::filesystem::path root) : mta::Directory(std::move(root), {"/etc/postfix"}) {}
};

/// One logical line: lines that begin with white space continue the one before; empty lines and lines whose first
/// visible octet is "#" count for nothing, also in the midst of a continuation (postconf(5), "FILE FORMAT").
std::vector<Cited> logical_lines(const Directory::File& file);

}  // namespace smtpdx::mta::postfix
