// SPDX-License-Identifier: Apache-2.0
#include "base/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>

#include "base/text.hpp"

namespace smtpdx {
namespace {

/// True where the first `prefix` bits of `octets` are those of `block`.
bool same_prefix(std::string_view octets, std::string_view block, unsigned prefix) {
  unsigned whole = prefix / 8, rest = prefix % 8;
  if (octets.substr(0, whole) != block.substr(0, whole)) return false;
  if (rest == 0) return true;
  auto mask = static_cast<unsigned char>(0xFF << (8 - rest));
  return ((static_cast<unsigned char>(octets[whole]) ^ static_cast<unsigned char>(block[whole])) & mask) == 0;
}

/// The IPv4 address inside ::ffff:0:0/96 (RFC 4291 §2.5.5.2), else the address itself: a policy that looks only at the
/// outer form could be passed by writing 127.0.0.1 as ::ffff:127.0.0.1.
IpAddress unmapped(const IpAddress& address) {
  static constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  auto octets = address.bytes();
  return octets.starts_with(mapped) ? IpAddress::from_bytes(octets.substr(12)) : address;
}

bool in_any(const IpAddress& address, std::initializer_list<const char*> blocks) {
  auto plain = unmapped(address);
  return std::any_of(blocks.begin(), blocks.end(), [&](const char* text) {
    auto block = Network::parse(text);
    assert(block);
    return block->contains(plain);
  });
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  bool bracket = text.starts_with('[');
  if (bracket) {
    if (!text.ends_with(']')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  bool v6_only = istarts_with(text, "IPv6:");
  if (v6_only) text.remove_prefix(5);
  if (find_either(text, '.', ':') == std::string_view::npos) return std::nullopt;
  char buffer[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), buffer);
  char octets[16];
  if (!v6_only && inet_pton(AF_INET, buffer, octets) == 1) return from_bytes({octets, 4});
  if (inet_pton(AF_INET6, buffer, octets) == 1) return from_bytes({octets, 16});
  return std::nullopt;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (unsigned i = 0; i < 4; ++i) address.octets_[i] = static_cast<char>(host_order >> (24 - 8 * i) & 0xFF);
  return address;
}

IpAddress IpAddress::from_bytes(std::string_view four_or_sixteen) {
  assert(four_or_sixteen.size() == 4 || four_or_sixteen.size() == 16);
  IpAddress address;
  address.v6_ = four_or_sixteen.size() == 16;
  std::copy_n(four_or_sixteen.begin(), std::min<std::size_t>(four_or_sixteen.size(), 16), address.octets_.begin());
  return address;
}

bool IpAddress::is_loopback() const { return in_any(*this, {"127.0.0.0/8", "::1/128"}); }

bool IpAddress::is_private() const {
  return in_any(*this, {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7",
                        "fe80::/10"});
}

bool IpAddress::is_documentation() const {
  return in_any(*this, {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"});
}

std::string_view IpAddress::bytes() const { return {octets_.data(), v6_ ? std::size_t{16} : std::size_t{4}}; }

std::string IpAddress::to_string() const {
  if (!v6_) {
    std::string out;  // 15 characters need no allocation
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) out += '.';
      out += std::to_string(static_cast<unsigned char>(octets_[i]));
    }
    return out;
  }
  // glibc writes IPv6 as RFC 5952 asks: lower case, the longest run of two or more zero groups shortened.
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, octets_.data(), buffer, sizeof buffer);
}

std::string IpAddress::reverse_name() const { return reverse_labels() + (v6_ ? ".ip6.arpa" : ".in-addr.arpa"); }

std::string IpAddress::reverse_labels() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  auto octets = bytes();
  for (auto at = octets.rbegin(); at != octets.rend(); ++at) {
    if (!out.empty()) out += '.';
    auto value = static_cast<unsigned char>(*at);
    if (v6_) {
      out += digits[value & 15];
      out += '.';
      out += digits[value >> 4];
    } else {
      out += std::to_string(value);
    }
  }
  return out;
}

std::optional<Network> Network::parse(std::string_view text) {
  auto slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned width = address->is_v6() ? 128 : 32;
  Network network{*address, width, false};
  if (slash == std::string_view::npos) return network;
  auto prefix = parse_number(text.substr(slash + 1));
  if (!prefix || *prefix > width) return std::nullopt;
  network.prefix = static_cast<unsigned>(*prefix);
  std::string octets(address->bytes());
  for (unsigned bit = network.prefix; bit < width; ++bit) {
    octets[bit / 8] = static_cast<char>(octets[bit / 8] & ~(0x80 >> bit % 8));
  }
  network.base = IpAddress::from_bytes(octets);
  network.has_host_bits = network.base != *address;
  return network;
}

bool Network::contains(const IpAddress& address) const {
  return address.is_v6() == base.is_v6() && same_prefix(address.bytes(), base.bytes(), prefix);
}

std::string Network::to_string() const { return base.to_string() + "/" + std::to_string(prefix); }

std::string Endpoint::to_string() const {
  auto host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> HostPort::parse(std::string_view text) {
  HostPort result;
  if (text.starts_with('[') || std::count(text.begin(), text.end(), ':') > 1) {
    // An address literal. Without brackets every colon is the address's own, so there can be no port.
    auto close = text.starts_with('[') ? text.find(']') : text.size() - 1;
    if (close == std::string_view::npos) return std::nullopt;
    auto address = IpAddress::parse(text.substr(0, close + 1));
    if (!address) return std::nullopt;
    result.host = address->to_string();
    text.remove_prefix(close + 1);
  } else {
    auto host = text.substr(0, text.find(':'));
    bool strange = std::any_of(host.begin(), host.end(), [](unsigned char c) { return c <= ' ' || c == 0x7F; });
    if (host.empty() || strange || host.find_first_of("/@<>[]\"\\,;") != std::string_view::npos) return std::nullopt;
    result.host = std::string(host);
    text.remove_prefix(host.size());
  }
  if (text.empty()) return result;
  auto port = text.front() == ':' ? parse_number(text.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  result.port = static_cast<std::uint16_t>(*port);
  return result;
}

}  // namespace smtpdx
