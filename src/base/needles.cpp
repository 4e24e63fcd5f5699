// SPDX-License-Identifier: Apache-2.0
#include "base/needles.hpp"

#include <algorithm>
#include <cassert>

namespace smtpdx {

void Needles::add(std::string_view word) {
  assert(word.size() >= shortest && entries_.size() < 65'535);
  auto& head = heads_[slot(key_at(word.data()))];
  entries_.push_back({word, static_cast<std::uint16_t>(entries_.size()), head});
  head = static_cast<std::uint16_t>(entries_.size());
}

bool Needles::any_at_start(std::string_view text) const {
  if (text.size() < shortest) return false;
  for (std::size_t at = heads_[slot(key_at(text.data()))]; at != 0; at = entries_[at - 1].next)
    if (istarts_with(text, entries_[at - 1].word)) return true;
  return false;
}

bool Needles::any_is(std::string_view text) const {
  if (text.size() < shortest) return false;
  for (std::size_t at = heads_[slot(key_at(text.data()))]; at != 0; at = entries_[at - 1].next)
    if (iequals(text, entries_[at - 1].word)) return true;
  return false;
}

std::size_t Needles::first_place(std::string_view text) const {
  std::size_t place = std::string_view::npos;
  each(text, [&](std::size_t, std::size_t at) {
    place = at;
    return false;
  });
  return place;
}

std::size_t Needles::first_listed(std::string_view text) const {
  std::size_t first = none;
  each(text, [&](std::size_t number, std::size_t) {
    first = std::min(first, number);
    return first != 0;
  });
  return first;
}

}  // namespace smtpdx
