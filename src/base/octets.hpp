// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sixteen octets compared together, for the few loops that see every octet of a mailbox. A vector extension of g++ and
// clang, so that it needs no certain processor.

#include <cstdint>
#include <cstring>

namespace smtpdx {

using Octets = std::uint8_t __attribute__((vector_size(16)));

inline Octets octets_at(const char* at) {
  Octets octets;
  std::memcpy(&octets, at, sizeof octets);
  return octets;
}

/// Sixteen times the same.
inline Octets each_octet(char c) { return Octets{} + static_cast<std::uint8_t>(c); }

/// True where any octet differs from 0: what a comparison found.
template <class Compared>
bool any_set(Compared compared) {
  static_assert(sizeof compared == sizeof(Octets));
  std::uint64_t halves[2];
  std::memcpy(halves, &compared, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace smtpdx
