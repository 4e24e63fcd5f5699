// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whole stores in and out, table by table: as NDJSON, or into another database.

#include <iosfwd>

#include "store/sql.hpp"

namespace smtpdx::store {

/// In a reading transaction of the caller's.
void write_lines(Sql& sql, std::ostream& out, WithSecrets secrets);
/// In a writing transaction of the caller's.
Imported read_lines(Sql& sql, std::istream& in);
/// All rows of all tables. Both in transactions of the caller's.
void copy_rows(Sql& from, Sql& to);
/// Every table is there with every column, and each can be read.
void verify_tables(Sql& sql);

}  // namespace smtpdx::store
