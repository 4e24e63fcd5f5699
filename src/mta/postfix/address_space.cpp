// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/address_space.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace smtpdx::mta::postfix {
namespace {

constexpr unsigned octets = 16;

unsigned width(const Point& point) { return point[0] == 4 ? 32 : 128; }

/// One past the block of this size that begins here.
Point after_block(Point point, unsigned prefix) {
  const unsigned bit = width(point) - prefix;  // counted from the right
  if (bit >= octets * 8) {
    ++point[0];
    std::fill(point.begin() + 1, point.end(), static_cast<unsigned char>(0));
    return point;
  }
  unsigned carry = 1u << (bit % 8);
  for (auto at = octets - bit / 8; carry != 0; --at) {
    carry += point[at];
    point[at] = static_cast<unsigned char>(carry & 0xff);
    carry >>= 8;
  }
  return point;
}

IpAddress address_at(const Point& point) {
  const std::string_view bytes(reinterpret_cast<const char*>(point.data()) + 1, octets);
  return IpAddress::from_bytes(point[0] == 4 ? bytes.substr(12) : bytes);
}

/// The widest block that may begin here.
unsigned alignment(const Point& point) {
  unsigned zeros = 0;
  for (auto at = octets; at > 0 && zeros < width(point); --at) {
    if (point[at] == 0) {
      zeros += 8;
      continue;
    }
    for (unsigned bit = 0; !((point[at] >> bit) & 1u); ++bit) ++zeros;
    break;
  }
  return width(point) - std::min(zeros, width(point));
}

Network network_at(const Point& point, unsigned prefix) {
  Network network;
  network.base = address_at(point);
  network.prefix = prefix;
  return network;
}

Network mapped() { return *Network::parse("[::ffff:0:0]/96"); }

}  // namespace

Point point_of(const IpAddress& address) {
  Point point;
  point.fill(0xff);
  point[0] = address.is_v6() ? 6 : 4;
  const auto bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), point.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  return point;
}

IpAddress Span::first() const { return address_at(begin); }

IpAddress Span::inside() const {
  const auto next = after_block(begin, width(begin));
  return address_at(next < end ? next : begin);
}

AddressSpace::AddressSpace() {
  cut(*Network::parse("0.0.0.0/0"));
  cut(*Network::parse("[::]/0"));
  cut(mapped());
}

void AddressSpace::cut(const Network& network) {
  const auto begin = point_of(network.base);
  bounds_.push_back(begin);
  bounds_.push_back(after_block(begin, network.prefix));
}

std::vector<Span> AddressSpace::spans() const {
  auto bounds = bounds_;
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::vector<Span> spans;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    const auto family = bounds[i][0];
    const bool real = family == 4 || family == 6;
    if (real && !mapped().contains(address_at(bounds[i]))) spans.push_back({bounds[i], bounds[i + 1]});
  }
  return spans;
}

std::vector<Network> networks_of(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::vector<Span> joined;
  for (const auto& span : spans) {
    const bool follows = !joined.empty() && joined.back().end == span.begin && joined.back().begin[0] == span.begin[0];
    if (follows)
      joined.back().end = span.end;
    else
      joined.push_back(span);
  }
  std::vector<Network> networks;
  for (auto span : joined) {
    while (span.begin < span.end) {
      auto prefix = alignment(span.begin);
      while (span.end < after_block(span.begin, prefix)) ++prefix;
      networks.push_back(network_at(span.begin, prefix));
      span.begin = after_block(span.begin, prefix);
    }
  }
  return networks;
}

double share_of(const std::vector<Span>& spans) {
  double share = 0;
  for (const auto& network : networks_of(spans)) share += std::ldexp(1.0, -static_cast<int>(network.prefix));
  return share;
}

namespace {

std::string joined_groups(const std::vector<std::string_view>& groups, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += std::string(groups[i]) + ":";
  return text;
}

/// Whole groups of hexadecimal digits from the left, none of them zero: such text begins an address as a network does.
std::size_t leading_groups(const std::vector<std::string_view>& groups) {
  std::size_t count = 0;
  while (count < groups.size() && !groups[count].empty() && groups[count].size() <= 4 &&
         groups[count].find_first_not_of("0123456789abcdef") == std::string_view::npos && groups[count].front() != '0')
    ++count;
  return count;
}

}  // namespace

std::vector<Network> networks_of_key(std::string_view key, bool& blurred) {
  std::vector<Network> networks;
  const auto take = [&](const std::string& text) {
    if (const auto network = Network::parse(text)) networks.push_back(*network);
  };
  if (key.find(':') == std::string_view::npos) {
    const auto parts = split(key, '.');
    if (key.empty() || key.find_first_not_of("0123456789.") != std::string_view::npos || parts.size() > 4) return {};
    std::string text(key);
    for (auto missing = parts.size(); missing < 4; ++missing) text += ".0";
    take(text + "/" + std::to_string(parts.size() * 8));
    return networks;
  }
  const auto groups = split(key, ':');
  const auto plain = std::min<std::size_t>(leading_groups(groups), 8);
  const bool whole = plain == groups.size();
  if (whole && plain == 8) take("[" + std::string(key) + "]/128");
  if (whole && plain < 8 && plain > 0) take("[" + joined_groups(groups, plain) + ":]/" + std::to_string(plain * 16));
  if (whole) return networks;
  blurred = true;
  if (IpAddress::parse(key)) take("[" + std::string(key) + "]/128");
  take(plain == 0 ? std::string("[::]/0") : "[" + joined_groups(groups, plain) + ":]/" + std::to_string(plain * 16));
  return networks;
}

}  // namespace smtpdx::mta::postfix
