// SPDX-License-Identifier: Apache-2.0
#include "mock/dns_world.hpp"

#include <gtest/gtest.h>

namespace smtpdx::mock {
namespace {

using dns::Status;
using dns::Type;

struct Asked {
  explicit Asked(std::string_view lines) : world(parse_scenario("s", "-- dns --\n" + std::string(lines)).value().dns) {}
  dns::Answer ask(const std::string& name, Type type, const char* view = nullptr) const {
    const dns::wire::Question question{name, type};
    const auto query = dns::wire::make_query(question, 7, dns::wire::Recursion::desired);
    auto at = view ? IpAddress::parse(view) : std::nullopt;
    auto reply = world.answer(query, at);
    if (!reply) {
      dns::Answer none;
      none.status = Status::timed_out;
      return none;
    }
    auto octets = dns::wire::encode(*reply);
    return dns::wire::interpret(dns::wire::parse(octets.value()).value(), question);
  }
  DnsWorld world;
};

TEST(DnsWorld, KeepsTheAbsencesApart) {
  const Asked w(
      "example.org. MX 10 mx.example.org.\n"
      "mx.example.org. A 192.0.2.25\n"
      "mx.example.org. AAAA ! SERVFAIL\n"
      "slow.example. ! TIMEOUT\n");
  EXPECT_EQ(w.ask("example.org", Type::MX).status, Status::found);
  EXPECT_EQ(w.ask("example.org", Type::A).status, Status::no_data);
  EXPECT_EQ(w.ask("org", Type::A).status, Status::no_data);  // an empty name between (RFC 8020)
  EXPECT_EQ(w.ask("other.example.org", Type::A).status, Status::no_name);
  EXPECT_EQ(w.ask("mx.example.org", Type::AAAA).status, Status::servfail);
  EXPECT_EQ(w.ask("slow.example", Type::TXT).status, Status::timed_out);
}

TEST(DnsWorld, FollowsAliases) {
  const Asked w("a.example. CNAME b.example.\nb.example. A 192.0.2.1\nloop.example. CNAME loop.example.\n");
  const auto answer = w.ask("a.example", Type::A);
  EXPECT_EQ(answer.status, Status::found);
  EXPECT_EQ(answer.canonical_name, "b.example");
  EXPECT_EQ(w.ask("a.example", Type::MX).status, Status::no_data);
  EXPECT_EQ(w.ask("loop.example", Type::A).status, Status::servfail);
}

TEST(DnsWorld, ShowsEachNameServerItsOwn) {
  const Asked w(
      "z.example. NS ns1.z.example.\nz.example. NS ns2.z.example.\n"
      "ns1.z.example. A 192.0.2.53\nns2.z.example. A 192.0.2.54\n"
      "mx.z.example. A 192.0.2.25\n"
      "@192.0.2.54 mx.z.example. A 192.0.2.99\n"
      "@192.0.2.55 * ! REFUSED\n");
  EXPECT_EQ(w.ask("mx.z.example", Type::A).records[0].address.to_string(), "192.0.2.25");
  EXPECT_EQ(w.ask("mx.z.example", Type::A, "192.0.2.53").records[0].address.to_string(), "192.0.2.25");
  EXPECT_EQ(w.ask("mx.z.example", Type::A, "192.0.2.54").records[0].address.to_string(), "192.0.2.99");
  EXPECT_EQ(w.ask("mx.z.example", Type::A, "192.0.2.55").status, Status::servfail);
  EXPECT_EQ(w.world.name_servers().size(), 3u);
}

TEST(DnsWorld, CutsWhatUdpCannotCarry) {
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += "big.example. TXT \"" + std::to_string(i) + std::string(40, 'x') + "\"\n";
  const Asked w(lines);
  const auto query = dns::wire::make_query({"big.example", Type::TXT}, 7, dns::wire::Recursion::desired);
  const auto octets = for_udp(query, *w.world.answer(query, std::nullopt));
  const auto reply = dns::wire::parse(octets).value();
  EXPECT_TRUE(reply.truncated);
  EXPECT_TRUE(reply.answer.empty());
}

}  // namespace
}  // namespace smtpdx::mock
