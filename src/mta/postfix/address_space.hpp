// SPDX-License-Identifier: Apache-2.0
#pragma once

// All client addresses at once, cut into spans in which no look-up can tell one address from another: the bounds are
// those of the networks that a configuration names. Values.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"

namespace smtpdx::mta::postfix {

/// An address as a number that can be counted on: a family's octet, then 16 octets, IPv4 behind twelve of 0xff so that
/// the address after the last one begins the next family.
using Point = std::array<unsigned char, 17>;
Point point_of(const IpAddress& address);

struct Span {
  Point begin, end;  ///< from, and one past
  IpAddress first() const;
  IpAddress inside() const;  ///< not the network's own address where there is another
  bool operator==(const Span&) const = default;
};

class AddressSpace {
 public:
  AddressSpace();
  void cut(const Network& network);
  /// In order. IPv4-mapped addresses are left out: Postfix takes such clients for IPv4.
  std::vector<Span> spans() const;

 private:
  std::vector<Point> bounds_;
};

/// The fewest networks that are the spans; neighbours among them are joined.
std::vector<Network> networks_of(std::vector<Span> spans);
/// How many octets' worth of a family the spans fill, as a share: for saying which part is "the rest".
double share_of(const std::vector<Span>& spans);

/// The networks in which a key of an indexed access table is found ("10.1", "2001:db8"). `blurred`: by the text of an
/// IPv6 address, which is not one of networks only.
std::vector<Network> networks_of_key(std::string_view key, bool& blurred);

}  // namespace smtpdx::mta::postfix
