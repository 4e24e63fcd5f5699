// SPDX-License-Identifier: Apache-2.0
#include "store/convert.hpp"

#include <algorithm>
#include <limits>

#include "base/text.hpp"

namespace smtpdx::store {
namespace {

constexpr std::size_t longest_name = 512;
constexpr std::size_t largest_page = 200;

template <class T>
const T& typed(const Row& row, std::size_t column) {
  const auto* value = column < row.size() ? std::get_if<T>(&row[column]) : nullptr;
  if (!value) {
    throw Failure(Trouble::corrupt, "the store gave back a value of another type than was kept",
                  "run its check; restore a backup");
  }
  return *value;
}

}  // namespace

std::int64_t to_micros(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime from_micros(std::int64_t micros) {
  // The clock counts nanoseconds: it ends in 2262, and what is beyond would come out as a date in the past.
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() / 1000;
  return WallTime(std::chrono::microseconds(std::clamp(micros, -last, last)));
}

Value optional_time(const std::optional<WallTime>& time) {
  if (!time) return {};
  return to_micros(*time);
}

std::string checked_text(std::string_view text, std::string_view what) {
  if (text.find('\0') != std::string_view::npos || !valid_utf8(text)) {
    throw Failure(Trouble::invalid, std::string(what) + " is not UTF-8 text without NUL",
                  "keep octets from strangers in the input, and escape them elsewhere");
  }
  return std::string(text);
}

std::string checked_name(std::string_view name, std::string_view what) {
  if (name.empty()) throw Failure(Trouble::invalid, std::string(what) + " is empty");
  if (name.size() > longest_name) {
    throw Failure(Trouble::invalid, std::string(what) + " is longer than " + std::to_string(longest_name) + " octets");
  }
  return checked_text(name, what);
}

Blob checked_hash(std::string_view octets, std::string_view what) {
  if (octets.empty() || octets.size() > longest_name) {
    throw Failure(Trouble::invalid,
                  std::string(what) + " is empty or longer than " + std::to_string(longest_name) + " octets");
  }
  return Blob{std::string(octets)};
}

std::int64_t number_at(const Row& row, std::size_t column) { return typed<std::int64_t>(row, column); }
std::string text_at(const Row& row, std::size_t column) { return typed<std::string>(row, column); }
std::string octets_at(const Row& row, std::size_t column) { return typed<Blob>(row, column).octets; }
WallTime time_at(const Row& row, std::size_t column) { return from_micros(number_at(row, column)); }

std::optional<WallTime> optional_time_at(const Row& row, std::size_t column) {
  if (column < row.size() && std::holds_alternative<std::monostate>(row[column])) return std::nullopt;
  return time_at(row, column);
}

std::int64_t seq_before(std::string_view cursor) {
  constexpr auto newest = std::numeric_limits<std::int64_t>::max();
  if (cursor.empty()) return newest;
  const auto number = parse_number(cursor);
  if (!number || *number > static_cast<std::uint64_t>(newest)) {
    throw Failure(Trouble::invalid, "the cursor is none that a page gave out", "begin again without a cursor");
  }
  return static_cast<std::int64_t>(*number);
}

std::size_t page_size(std::size_t wanted) { return std::clamp<std::size_t>(wanted, 1, largest_page); }

}  // namespace smtpdx::store
