// SPDX-License-Identifier: Apache-2.0
#pragma once

// Many words looked for together: one pass over the text instead of one for each word. ASCII case is ignored, as in
// ifind(). The texts are replies and reports of some hundred octets, the lists are some dozen words.

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace smtpdx {

class Needles {
 public:
  static constexpr std::size_t shortest = 3;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  Needles() = default;
  /// Lower case, words of at least `shortest` octets, at most 65,535. They must outlive it: literals do.
  Needles(std::initializer_list<std::string_view> words) {
    for (auto word : words) add(word);
  }
  template <std::ranges::input_range Words>
  explicit Needles(Words&& words) {
    for (std::string_view word : words) add(word);
  }

  /// Calls visit(number, at) for each place of each word, places ascending, until it returns false. `number` is the
  /// word's position in the list.
  template <class Visit>
  void each(std::string_view text, Visit visit) const;

  bool any_in(std::string_view text) const { return first_place(text) != std::string_view::npos; }
  bool any_at_start(std::string_view text) const;
  bool any_is(std::string_view text) const;  ///< the whole text is one of them
  /// Where the first of any of the words begins; npos where there is none.
  std::size_t first_place(std::string_view text) const;
  /// The number of the first word of the list that occurs anywhere; `none` where none does.
  std::size_t first_listed(std::string_view text) const;
  /// The first word of the list for which look(number, at) gives something at any of its places, and the first such
  /// place: what look() gave there, or what is empty.
  template <class Look>
  auto first_telling(std::string_view text, Look look) const -> decltype(look(std::size_t{}, std::size_t{}));

 private:
  using Key = std::uint32_t;
  /// Three octets with the bit set that tells upper from lower case; also equal for some signs, which do no harm.
  static Key key_at(const char* at) {
    std::uint16_t two = 0;
    std::memcpy(&two, at, 2);
    return (Key{two} | static_cast<Key>(static_cast<unsigned char>(at[2])) << 16) | 0x202020;
  }
  void add(std::string_view word);
  static std::size_t slot(Key key) { return (key * 2654435761U) >> 21; }

  struct Entry {
    std::string_view word;
    std::uint16_t number;
    std::uint16_t next;  ///< index + 1 into entries_, 0 none
  };
  std::array<std::uint16_t, 2048> heads_{};  ///< by the first three octets: index + 1 into entries_, 0 none
  std::vector<Entry> entries_;
};

template <class Visit>
void Needles::each(std::string_view text, Visit visit) const {
  for (std::size_t i = 0; i + shortest <= text.size(); ++i) {
    for (std::size_t at = heads_[slot(key_at(text.data() + i))]; at != 0; at = entries_[at - 1].next) {
      const Entry& entry = entries_[at - 1];
      if (istarts_with(text.substr(i), entry.word) && !visit(std::size_t{entry.number}, i)) return;
    }
  }
}

template <class Look>
auto Needles::first_telling(std::string_view text, Look look) const -> decltype(look(std::size_t{}, std::size_t{})) {
  std::size_t best = none;
  decltype(look(std::size_t{}, std::size_t{})) told{};
  each(text, [&](std::size_t number, std::size_t at) {
    if (number >= best) return true;
    if (auto one = look(number, at)) {
      told = std::move(one);
      best = number;
    }
    return best != 0;
  });
  return told;
}

}  // namespace smtpdx
