// SPDX-License-Identifier: Apache-2.0
#include "diag/facts.hpp"

#include <gtest/gtest.h>

namespace smtpdx::diag {
namespace {

Shape base() {
  Shape s;
  s.host = "mx.example.org";
  s.server = {*IpAddress::parse("192.0.2.25"), 25};
  s.helo = "[203.0.113.5]";
  s.source = "203.0.113.5";
  s.mail_from = "a@example.com";
  s.rcpt_to = "b@example.org";
  return s;
}

TEST(Differing, NothingBetweenEqualShapes) { EXPECT_TRUE(differing(base(), base()).empty()); }

TEST(Differing, OneAxisEach) {
  auto other = base();
  other.user = "alice";
  EXPECT_EQ(differing(base(), other), std::vector{Axis::auth});
  other = base();
  other.tls = TlsMode::starttls;
  EXPECT_EQ(differing(base(), other), std::vector{Axis::tls});
  other = base();
  other.server.port = 587;
  EXPECT_EQ(differing(base(), other), std::vector{Axis::port});
  other = base();
  other.helo = "printer";
  EXPECT_EQ(differing(base(), other), std::vector{Axis::helo});
}

TEST(Differing, TwoChangesAreTwoAxes) {
  auto other = base();
  other.user = "alice";
  other.tls = TlsMode::starttls;
  EXPECT_EQ(differing(base(), other).size(), 2u);
}

TEST(Differing, AnotherHostHasAnotherAddressByNature) {
  auto other = base();
  other.host = "mx2.example.org";
  other.server.address = *IpAddress::parse("192.0.2.26");
  other.tls = TlsMode::starttls;
  EXPECT_EQ(differing(base(), other), std::vector{Axis::host});
}

TEST(Differing, TheLiteralFollowsOurAddress) {
  auto other = base();
  other.source = "203.0.113.6";
  other.helo = "[203.0.113.6]";
  EXPECT_EQ(differing(base(), other), std::vector{Axis::source});
  other.helo = "client.example.com";
  EXPECT_EQ(differing(base(), other), (std::vector{Axis::helo, Axis::source}));
}

TEST(Differing, TheOtherFamilyHasOtherAddressesOnBothSides) {
  auto other = base();
  other.server.address = *IpAddress::parse("2001:db8::25");
  other.source = "2001:db8:c::5";
  other.helo = "[IPv6:2001:db8:c::5]";
  EXPECT_EQ(differing(base(), other), std::vector{Axis::address});
}

}  // namespace
}  // namespace smtpdx::diag
