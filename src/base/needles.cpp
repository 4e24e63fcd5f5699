// SPDX-License-Identifier: Apache-2.0
#include "base/needles.hpp"

#include <algorithm>
#include <cassert>

namespace smtpdx {

void Needles::add(std::string_view word) {
  assert(word.size() >= shortest && entries_.size() < 250);
  auto& head = heads_[slot(key_at(word.data()))];
  entries_.push_back({word, static_cast<std::uint8_t>(entries_.size()), head});
  head = static_cast<std::uint8_t>(entries_.size());
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
