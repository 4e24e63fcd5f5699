// SPDX-License-Identifier: Apache-2.0
#include "base/ip.hpp"

#include <gtest/gtest.h>

namespace smtpdx {
namespace {

IpAddress ip(std::string_view text) {
  auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress());
}

Network net(std::string_view text) {
  auto network = Network::parse(text);
  EXPECT_TRUE(network) << text;
  return network.value_or(Network());
}

TEST(IpAddress, ReadsTheFormsOfMail) {
  EXPECT_EQ(ip("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(ip("[192.0.2.1]").to_string(), "192.0.2.1");
  EXPECT_EQ(ip("2001:DB8:0:0::1").to_string(), "2001:db8::1");
  EXPECT_EQ(ip("[2001:db8::1]").to_string(), "2001:db8::1");
  EXPECT_EQ(ip("[IPv6:2001:db8::1]").to_string(), "2001:db8::1");
  EXPECT_EQ(ip("ipv6:::1").to_string(), "::1");
  EXPECT_EQ(ip("::ffff:192.0.2.1").to_string(), "::ffff:192.0.2.1");
  EXPECT_EQ(ip("2001:0:0:1:0:0:0:1").to_string(), "2001:0:0:1::1");           // RFC 5952 §4.2.3: the longest run
  EXPECT_EQ(ip("2001:db8:0:1:1:1:1:1").to_string(), "2001:db8:0:1:1:1:1:1");  // §4.2.2: not one group alone
}

TEST(IpAddress, RefusesTheRest) {
  for (auto bad : {"", "[]", "192.0.2", "192.0.2.256", "192.0.2.1.", "192.0.2.01", " 192.0.2.1", "192.0.2.1 ",
                   "[192.0.2.1", "192.0.2.1]", "IPv6:192.0.2.1", "2001:db8::1::", "fe80::1%eth0", "example.org",
                   "0x7f.1", "1", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0x", 11)));
}

TEST(IpAddress, IsAValue) {
  EXPECT_EQ(IpAddress().to_string(), "0.0.0.0");
  EXPECT_EQ(IpAddress::v4(0xC0000201), ip("192.0.2.1"));
  EXPECT_EQ(IpAddress::from_bytes(std::string_view("\xC0\0\x02\x01", 4)), ip("192.0.2.1"));
  EXPECT_EQ(IpAddress::from_bytes(ip("2001:db8::1").bytes()), ip("2001:db8::1"));
  EXPECT_NE(ip("0.0.0.0"), ip("::"));
  EXPECT_LT(ip("192.0.2.1"), ip("192.0.2.2"));
}

TEST(IpAddress, IsReversed) {
  EXPECT_EQ(ip("192.0.2.10").reverse_name(), "10.2.0.192.in-addr.arpa");
  EXPECT_EQ(ip("192.0.2.10").reverse_labels(), "10.2.0.192");
  EXPECT_EQ(ip("2001:db8::567:89ab").reverse_name(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpAddress, IsClassified) {
  for (auto text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (auto text : {"128.0.0.1", "::2", "0.0.0.0"}) EXPECT_FALSE(ip(text).is_loopback()) << text;
  for (auto text : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.1.1", "fd00::1",
                    "fe80::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(ip(text).is_private()) << text;
  }
  for (auto text :
       {"9.255.255.255", "11.0.0.0", "172.32.0.0", "100.128.0.1", "192.169.0.1", "fec0::1", "2001:db8::1"}) {
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
  for (auto text : {"192.0.2.1", "198.51.100.9", "203.0.113.255", "2001:db8:ffff::", "3fff:fff::1"}) {
    EXPECT_TRUE(ip(text).is_documentation()) << text;
  }
  for (auto text : {"192.0.3.1", "198.51.101.9", "2001:db9::", "3fff:1000::"})
    EXPECT_FALSE(ip(text).is_documentation()) << text;
}

TEST(Network, ReadsTheFormsOfPostfix) {
  EXPECT_EQ(net("192.0.2.0/24").to_string(), "192.0.2.0/24");
  EXPECT_EQ(net("[2001:db8::]/32").to_string(), "2001:db8::/32");
  EXPECT_EQ(net("192.0.2.1").to_string(), "192.0.2.1/32");
  EXPECT_EQ(net("[::1]").to_string(), "::1/128");
  EXPECT_EQ(net("0.0.0.0/0").prefix, 0U);
  for (auto bad :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10/8", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "[::1/128]"}) {
    EXPECT_FALSE(Network::parse(bad)) << bad;
  }
}

TEST(Network, TellsHostBits) {
  EXPECT_FALSE(net("10.0.0.0/8").has_host_bits);
  auto odd = net("10.1.2.3/15");
  EXPECT_TRUE(odd.has_host_bits);
  EXPECT_EQ(odd.to_string(), "10.0.0.0/15");
  EXPECT_TRUE(net("2001:db8::1/64").has_host_bits);
}

TEST(Network, Contains) {
  auto block = net("198.51.100.64/27");
  EXPECT_TRUE(block.contains(ip("198.51.100.64")));
  EXPECT_TRUE(block.contains(ip("198.51.100.95")));
  EXPECT_FALSE(block.contains(ip("198.51.100.63")));
  EXPECT_FALSE(block.contains(ip("198.51.100.96")));
  EXPECT_TRUE(net("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(net("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(net("0.0.0.0/0").contains(ip("203.0.113.1")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(ip("::")));
  EXPECT_FALSE(net("::/0").contains(ip("0.0.0.0")));
  EXPECT_TRUE(net("192.0.2.1").contains(ip("192.0.2.1")));
}

TEST(Endpoint, IsWrittenForPeople) {
  EXPECT_EQ((Endpoint{ip("192.0.2.1"), 25}).to_string(), "192.0.2.1:25");
  EXPECT_EQ((Endpoint{ip("2001:db8::1"), 587}).to_string(), "[2001:db8::1]:587");
}

TEST(HostPort, ReadsHostsAndPorts) {
  struct Case {
    const char* text;
    const char* host;
    unsigned port;
  };
  for (const auto& c : {Case{"mx.example.org", "mx.example.org", 0}, Case{"mx.example.org:587", "mx.example.org", 587},
                        Case{"192.0.2.1", "192.0.2.1", 0}, Case{"192.0.2.1:25", "192.0.2.1", 25},
                        Case{"[192.0.2.1]:25", "192.0.2.1", 25}, Case{"2001:db8::1", "2001:db8::1", 0},
                        Case{"[2001:db8::1]:465", "2001:db8::1", 465}, Case{"[IPv6:2001:db8::1]", "2001:db8::1", 0},
                        Case{"localhost:65535", "localhost", 65535}}) {
    auto parsed = HostPort::parse(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(parsed->host, c.host) << c.text;
    EXPECT_EQ(parsed->port, c.port) << c.text;
  }
}

TEST(HostPort, RefusesTheRest) {
  for (auto bad : {"", ":25", "host:", "host:0", "host:65536", "host:smtp", "host:25:26", "[::1", "[host]:25", "[::1]x",
                   "[::1]25", "a b", "a@b", "http://host", "a\nb"}) {
    EXPECT_FALSE(HostPort::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace smtpdx
