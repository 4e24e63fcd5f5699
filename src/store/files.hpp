// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files that only their owner may read. All of it throws Failure (store/sql.hpp).

#include <string>
#include <string_view>

namespace smtpdx::store {

/// An empty file with mode 0600 where there is none, and its directories with 0700; their entries are on the disk
/// after.
void make_private_file(const std::string& path);
/// The whole of `octets` under that name with mode 0600, on the disk; false where the name is taken, and then nothing
/// has changed. Never half a file.
bool write_new_private_file(const std::string& path, std::string_view octets);
/// Gives a finished file its name; false where the name is taken. Both lie in the same directory.
bool name_new_file(const std::string& unnamed, const std::string& path);
/// Nothing where there is none.
void remove_file(const std::string& path) noexcept;
/// The name of a file or directory outlives a power failure only after this.
void sync_directory_of(const std::string& path);

}  // namespace smtpdx::store
