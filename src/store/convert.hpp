// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between our values and the databases'. What does not fit throws Failure(invalid) on the way in, Failure(corrupt) on
// the way out.

#include <optional>
#include <string>
#include <string_view>

#include "store/sql.hpp"

namespace smtpdx::store {

std::int64_t to_micros(WallTime time);
WallTime from_micros(std::int64_t micros);
Value optional_time(const std::optional<WallTime>& time);

/// UTF-8 without NUL, as PostgreSQL demands it; `what` names it in the error.
std::string checked_text(std::string_view text, std::string_view what);
/// The same, not empty and at most 512 octets: PostgreSQL's indexes take no more than about 2700.
std::string checked_name(std::string_view name, std::string_view what);
/// A hash: any octets, not none, at most 512.
Blob checked_hash(std::string_view octets, std::string_view what);

std::int64_t number_at(const Row& row, std::size_t column);
std::string text_at(const Row& row, std::size_t column);
std::string octets_at(const Row& row, std::size_t column);
WallTime time_at(const Row& row, std::size_t column);
std::optional<WallTime> optional_time_at(const Row& row, std::size_t column);

/// A page's place: the database's count of the last line shown.
std::int64_t seq_before(std::string_view cursor);
std::size_t page_size(std::size_t wanted);

}  // namespace smtpdx::store
