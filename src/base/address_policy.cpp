// SPDX-License-Identifier: Apache-2.0
#include "base/address_policy.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace smtpdx {
namespace {

struct Row {
  Network network;
  AddressKind kind;
  std::string_view what;
};

Row row(const char* network, AddressKind kind, std::string_view what) {
  const auto parsed = Network::parse(network);
  assert(parsed && !parsed->has_host_bits);
  return {*parsed, kind, what};
}

/// The first that contains an address decides.
const std::vector<Row>& table() {
  using enum AddressKind;
  static const std::vector<Row> rows = {
      // metadata services; Azure's answers at an address of the open Internet
      row("169.254.169.254/32", metadata, "the metadata service of a cloud"),
      row("169.254.170.2/32", metadata, "the metadata service of a cloud (AWS ECS)"),
      row("169.254.170.23/32", metadata, "the metadata service of a cloud (AWS EKS)"),
      row("100.100.100.200/32", metadata, "the metadata service of a cloud (Alibaba)"),
      row("168.63.129.16/32", metadata, "the platform service of a cloud (Azure)"),
      row("192.0.0.192/32", metadata, "the metadata service of a cloud (Oracle)"),
      row("fd00:ec2::254/128", metadata, "the metadata service of a cloud (AWS)"),
      row("fd00:ec2::23/128", metadata, "the metadata service of a cloud (AWS EKS)"),
      row("fd20:ce::254/128", metadata, "the metadata service of a cloud (Google)"),
      row("fd00:42::42/128", metadata, "the metadata service of a cloud (Scaleway)"),
      row("fe80::a9fe:a9fe/128", metadata, "the metadata service of a cloud (OpenStack)"),

      row("0.0.0.0/8", unspecified, "an address that means \"this host\" (RFC 1122)"),
      row("10.0.0.0/8", private_use, "a private address (RFC 1918)"),
      row("100.64.0.0/10", private_use, "an address within a provider's network (RFC 6598)"),
      row("127.0.0.0/8", loopback, "this machine itself"),
      row("169.254.0.0/16", link_local, "a link-local address (RFC 3927)"),
      row("172.16.0.0/12", private_use, "a private address (RFC 1918)"),
      row("192.0.0.0/24", reserved, "an address reserved for protocols (RFC 6890)"),
      row("192.88.99.0/24", reserved, "an address of former 6to4 relays (RFC 7526)"),
      row("192.168.0.0/16", private_use, "a private address (RFC 1918)"),
      row("198.18.0.0/15", reserved, "an address for benchmarks (RFC 2544)"),
      row("224.0.0.0/4", multicast, "a multicast address"),
      row("255.255.255.255/32", broadcast, "the broadcast address"),
      row("240.0.0.0/4", reserved, "a reserved address (RFC 1112)"),

      row("::/128", unspecified, "an address that means \"this host\" (RFC 4291)"),
      row("::1/128", loopback, "this machine itself"),
      row("64:ff9b:1::/48", private_use, "an address of a local translator (RFC 8215)"),
      row("fc00::/7", private_use, "a private address (RFC 4193)"),
      row("fe80::/10", link_local, "a link-local address (RFC 4291)"),
      row("fec0::/10", private_use, "a site-local address (RFC 3879)"),
      row("ff00::/8", multicast, "a multicast address"),
      row("2001::/23", reserved, "an address reserved for protocols (RFC 2928)"),
  };
  return rows;
}

/// Where IPv4 addresses lie in IPv6 ones that a translator, a tunnel or the system itself takes there.
struct Wrapping {
  const char* network;
  std::size_t offset;
};
constexpr Wrapping wrappings[] = {
    {"::ffff:0:0/96", 12},    // IPv4-mapped, RFC 4291 §2.5.5.2
    {"::ffff:0:0:0/96", 12},  // IPv4-translated, RFC 2765 §2.1
    {"64:ff9b::/96", 12},     // NAT64, RFC 6052
    {"2002::/16", 2},         // 6to4, RFC 3056
};

/// Nothing that is not assigned to unicast on the Internet (RFC 4291 §2.4) is open. So IPv4-compatible addresses
/// (::192.0.2.1, given up by RFC 4291) are reserved.
bool is_global_unicast(const IpAddress& address) {
  static const auto global = *Network::parse("2000::/3");
  return !address.is_v6() || global.contains(address);
}

std::optional<IpAddress> inner_address(const IpAddress& address) {
  static const auto networks = [] {
    std::array<Network, std::size(wrappings)> parsed;
    std::ranges::transform(wrappings, parsed.begin(), [](const Wrapping& w) { return *Network::parse(w.network); });
    return parsed;
  }();
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (networks[i].contains(address)) return IpAddress::from_bytes(address.bytes().substr(wrappings[i].offset, 4));
  }
  return std::nullopt;
}

}  // namespace

const char* to_string(AddressKind kind) {
  switch (kind) {
    case AddressKind::open:
      return "open";
    case AddressKind::unspecified:
      return "unspecified";
    case AddressKind::loopback:
      return "loopback";
    case AddressKind::private_use:
      return "private";
    case AddressKind::link_local:
      return "link-local";
    case AddressKind::metadata:
      return "metadata";
    case AddressKind::multicast:
      return "multicast";
    case AddressKind::broadcast:
      return "broadcast";
    case AddressKind::reserved:
      return "reserved";
  }
  return "?";
}

AddressClass classify(const IpAddress& address) {
  const auto inner = inner_address(address);
  const auto judged = inner.value_or(address);
  for (const auto& row : table()) {
    if (row.network.contains(judged)) return {row.kind, judged, row.what};
  }
  if (!is_global_unicast(judged)) return {AddressKind::reserved, judged, "an address assigned to nobody"};
  return {AddressKind::open, judged, {}};
}

Result<AddressPolicy> AddressPolicy::allowing(const std::vector<std::string>& networks) {
  AddressPolicy policy;
  for (const auto& text : networks) {
    const auto network = Network::parse(text);
    if (!network) {
      return fail(ErrorKind::usage, "\"" + text + "\" is no network",
                  "write it as 10.0.0.0/8, fd00::/8 or 192.168.1.5");
    }
    if (network->has_host_bits) {
      return fail(ErrorKind::usage, "\"" + text + "\" is an address within a network",
                  "write " + network->to_string() + " for the network, or the address without /" +
                      std::to_string(network->prefix));
    }
    policy.allowed_.push_back(*network);
  }
  return policy;
}

std::optional<std::string> AddressPolicy::objection(const IpAddress& address) const {
  const auto found = classify(address);
  if (found.kind == AddressKind::open) return std::nullopt;
  const bool allowed = std::ranges::any_of(allowed_, [&](const Network& network) {
    const bool exact = network.prefix == (network.base.is_v6() ? 128U : 32U);
    if (found.kind == AddressKind::metadata && !exact) return false;
    return network.contains(address) || network.contains(found.judged);
  });
  if (allowed) return std::nullopt;
  const auto written = address.to_string();
  if (found.judged == address) return written + " is " + std::string(found.what);
  return written + " means " + found.judged.to_string() + ", " + std::string(found.what);
}

}  // namespace smtpdx
