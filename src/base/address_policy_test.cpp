// SPDX-License-Identifier: Apache-2.0
#include "base/address_policy.hpp"

#include <gtest/gtest.h>

namespace smtpdx {
namespace {

using enum AddressKind;

AddressKind kind_of(const char* text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return classify(address.value_or(IpAddress())).kind;
}

std::string objection(const char* text, const std::vector<std::string>& networks = {}) {
  auto policy = AddressPolicy::allowing(networks);
  EXPECT_TRUE(policy);
  return policy->objection(*IpAddress::parse(text)).value_or("");
}

TEST(AddressPolicy, EveryKindAtBothEndsOfItsNetwork) {
  struct Case {
    const char* address;
    AddressKind kind;
  };
  for (const auto& [address, kind] : std::initializer_list<Case>{
           {"0.0.0.0", unspecified},
           {"0.255.255.255", unspecified},
           {"1.0.0.0", open},
           {"9.255.255.255", open},
           {"10.0.0.0", private_use},
           {"10.255.255.255", private_use},
           {"11.0.0.0", open},
           {"100.63.255.255", open},
           {"100.64.0.0", private_use},
           {"100.100.100.200", metadata},
           {"100.127.255.255", private_use},
           {"100.128.0.0", open},
           {"126.255.255.255", open},
           {"127.0.0.1", loopback},
           {"127.255.255.254", loopback},
           {"128.0.0.0", open},
           {"168.63.129.16", metadata},
           {"168.63.129.17", open},
           {"169.253.255.255", open},
           {"169.254.0.0", link_local},
           {"169.254.169.254", metadata},
           {"169.254.255.255", link_local},
           {"169.255.0.0", open},
           {"172.15.255.255", open},
           {"172.16.0.0", private_use},
           {"172.31.255.255", private_use},
           {"172.32.0.0", open},
           {"192.0.0.1", reserved},
           {"192.0.0.192", metadata},
           {"192.0.1.0", open},
           {"192.0.2.1", open},
           {"192.88.99.1", reserved},
           {"192.167.255.255", open},
           {"192.168.0.0", private_use},
           {"192.168.255.255", private_use},
           {"192.169.0.0", open},
           {"198.17.255.255", open},
           {"198.18.0.0", reserved},
           {"198.19.255.255", reserved},
           {"198.20.0.0", open},
           {"198.51.100.1", open},
           {"203.0.113.1", open},
           {"223.255.255.255", open},
           {"224.0.0.1", multicast},
           {"239.255.255.255", multicast},
           {"240.0.0.0", reserved},
           {"255.255.255.254", reserved},
           {"255.255.255.255", broadcast},
           {"::", unspecified},
           {"::1", loopback},
           {"::2", reserved},
           {"::7f00:1", reserved},  // IPv4-compatible
           {"100::1", reserved},    // discarded, RFC 6666
           {"1fff:ffff::", reserved},
           {"2000::", open},
           {"2001::1", reserved},  // Teredo
           {"2001:2::1", reserved},
           {"2001:1ff:ffff::", reserved},
           {"2001:200::", open},
           {"2001:db8::25", open},
           {"2606:4700::1", open},
           {"3fff::1", open},
           {"4000::1", reserved},
           {"5f00::1", reserved},
           {"fbff::1", reserved},
           {"fc00::1", private_use},
           {"fd00:ec2::254", metadata},
           {"fd20:ce::254", metadata},
           {"fdff:ffff::1", private_use},
           {"fe7f::1", reserved},
           {"fe80::1", link_local},
           {"febf::1", link_local},
           {"fec0::1", private_use},
           {"ff02::1", multicast},
       }) {
    EXPECT_EQ(kind_of(address), kind) << address << " is " << to_string(kind_of(address));
  }
}

TEST(AddressPolicy, WhatLiesWithinIsWhatItIs) {
  struct Case {
    const char* address;
    AddressKind kind;
    const char* judged;
  };
  for (const auto& [text, kind, judged] : std::initializer_list<Case>{
           {"::ffff:127.0.0.1", loopback, "127.0.0.1"},
           {"::ffff:0.0.0.0", unspecified, "0.0.0.0"},
           {"::ffff:169.254.169.254", metadata, "169.254.169.254"},
           {"::ffff:192.0.2.1", open, "192.0.2.1"},
           {"::ffff:0:10.0.0.1", private_use, "10.0.0.1"},
           {"64:ff9b::10.0.0.1", private_use, "10.0.0.1"},
           {"64:ff9b::7f00:1", loopback, "127.0.0.1"},
           {"64:ff9b::192.0.2.1", open, "192.0.2.1"},
           {"64:ff9b::1:0:7f00:1", reserved, "64:ff9b::1:0:7f00:1"},
           {"64:ff9b:1::192.0.2.1", private_use, "64:ff9b:1::c000:201"},
           {"2002:7f00:1::1", loopback, "127.0.0.1"},
           {"2002:c0a8:101::", private_use, "192.168.1.1"},
           {"2002:a9fe:a9fe::1", metadata, "169.254.169.254"},
           {"2002:c000:201::1", open, "192.0.2.1"},
       }) {
    const auto found = classify(*IpAddress::parse(text));
    EXPECT_EQ(found.kind, kind) << text << " is " << to_string(found.kind);
    EXPECT_EQ(found.judged.to_string(), judged) << text;
  }
}

TEST(AddressPolicy, WordsSayWhatItIs) {
  EXPECT_EQ(objection("192.0.2.1"), "");
  EXPECT_EQ(objection("2001:db8::1"), "");
  EXPECT_EQ(objection("10.0.0.5"), "10.0.0.5 is a private address (RFC 1918)");
  EXPECT_EQ(objection("::ffff:7f00:1"), "::ffff:127.0.0.1 means 127.0.0.1, this machine itself");
  EXPECT_EQ(objection("64:ff9b::a00:5"), "64:ff9b::a00:5 means 10.0.0.5, a private address (RFC 1918)");
  EXPECT_EQ(objection("4000::"), "4000:: is an address assigned to nobody");
}

TEST(AddressPolicy, TheOwnerMayAllowMore) {
  EXPECT_EQ(objection("10.0.0.5", {"10.0.0.0/8"}), "");
  EXPECT_EQ(objection("::ffff:10.0.0.5", {"10.0.0.0/8"}), "");
  EXPECT_EQ(objection("10.0.0.5", {"192.168.0.0/16", "10.0.0.5"}), "");
  EXPECT_NE(objection("10.0.0.6", {"192.168.0.0/16", "10.0.0.5"}), "");
  EXPECT_EQ(objection("fd12::1", {"fd00::/8"}), "");
  EXPECT_NE(objection("127.0.0.1", {"::/0"}), "");
  EXPECT_NE(objection("0.0.0.0", {"127.0.0.0/8"}), "");
  EXPECT_EQ(objection("127.0.0.1", {"0.0.0.0/0"}), "");
}

TEST(AddressPolicy, MetadataIsAllowedByItsVeryAddressOnly) {
  EXPECT_NE(objection("169.254.169.254", {"0.0.0.0/0"}), "");
  EXPECT_NE(objection("::ffff:169.254.169.254", {"0.0.0.0/0", "::/0"}), "");
  EXPECT_EQ(objection("169.254.169.254", {"169.254.169.254"}), "");
  EXPECT_EQ(objection("169.254.169.254", {"169.254.169.254/32"}), "");
}

TEST(AddressPolicy, WrongNetworksAreErrors) {
  for (const auto* text : {"", "10", "10.0.0/8", "10.0.0.0/33", "example.org", "0x7f000001", "2130706433"}) {
    auto policy = AddressPolicy::allowing({text});
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().kind, ErrorKind::usage);
    EXPECT_EQ(policy.error().message, "\"" + std::string(text) + "\" is no network");
  }
  auto policy = AddressPolicy::allowing({"10.0.0.5/8"});
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().hint, "write 10.0.0.0/8 for the network, or the address without /8");
}

}  // namespace
}  // namespace smtpdx
