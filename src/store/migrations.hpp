// SPDX-License-Identifier: Apache-2.0
#pragma once

// The schema's history. A step that has been released is never changed: what is different is a new step at the end.

#include <span>
#include <string_view>

#include "store/sql.hpp"

namespace smtpdx::store {

/// Statements separated by ";" at the end of a line. Placeholders: {SEQ} a counting primary key, {BLOB}, {INT} 64 bits,
/// {TEXT} compared by octets, {STRICT} at a table's end.
struct Migration {
  int version;
  std::string_view statements;
};

std::span<const Migration> migrations();

/// Does the steps that are missing, each in a transaction of its own that also notes its number. `newer_schema` where
/// the database is ahead of `steps`. Two programs may do it at once: the write transaction lets one of them wait.
void migrate(Sql& sql, std::span<const Migration> steps = migrations());

}  // namespace smtpdx::store
