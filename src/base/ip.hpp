// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpdx {

/// An IPv4 or IPv6 address as a value. A default-made one is 0.0.0.0.
class IpAddress {
 public:
  IpAddress() = default;
  /// "192.0.2.1", "2001:db8::1", also in brackets or with the "IPv6:" prefix of RFC 5321 §4.1.3; nullopt otherwise.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress from_bytes(std::string_view four_or_sixteen);

  bool is_v6() const { return v6_; }
  bool is_loopback() const;
  bool is_private() const;        ///< RFC 1918, RFC 4193, RFC 6598 (shared), link-local
  bool is_documentation() const;  ///< RFC 5737, RFC 3849, RFC 9637
  /// Four or sixteen octets in network order.
  std::string_view bytes() const;
  std::string to_string() const;
  /// "1.2.0.192.in-addr.arpa" or the nibble form under ip6.arpa (RFC 3596 §2.5).
  std::string reverse_name() const;
  /// "1.2.0.192" or nibbles: the label part used by DNSBLs (RFC 5782 §2.1, §2.4).
  std::string reverse_labels() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v6_ = false;
  std::array<char, 16> octets_{};
};

/// An address block. Host bits need not be zero in the text: `base` has them cleared, `has_host_bits` tells.
struct Network {
  IpAddress base;
  unsigned prefix = 0;
  bool has_host_bits = false;

  /// "192.0.2.0/24", "[2001:db8::]/32" (Postfix form), or a bare address (full prefix).
  static std::optional<Network> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::string to_string() const;  ///< "192.0.2.1:25", "[2001:db8::1]:25"
  auto operator<=>(const Endpoint&) const = default;
};

/// "host", "host:587", "[2001:db8::1]:25", "192.0.2.1". Port 0 where none was given.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  static std::optional<HostPort> parse(std::string_view text);
};

}  // namespace smtpdx
