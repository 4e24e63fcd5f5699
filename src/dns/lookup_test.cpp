// SPDX-License-Identifier: Apache-2.0
#include "dns/lookup.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "dns/wire.hpp"
#include "io/runtime.hpp"

namespace smtpdx::dns {
namespace {

/// Answers at once from a table, so that no loop is needed.
class TableResolver : public Resolver {
 public:
  std::map<std::pair<std::string, Type>, Answer> table;
  std::vector<std::string> asked;

  void add(const std::string& line) {
    auto record = wire::record_from_line(line).value();
    auto& answer = table[{record.owner, record.type}];
    answer.status = Status::found;
    answer.records.push_back(record);
  }
  void set(const std::string& name, Type type, Status status) { table[{name, type}].status = status; }

  io::Task<Answer> query(std::string name, Type type, Deadline) override {
    asked.push_back(std::string(to_string(type)) + " " + name);
    Answer answer;
    answer.status = Status::no_data;
    if (auto it = table.find({name, type}); it != table.end()) answer = it->second;
    answer.type = type;
    answer.name = name;
    if (answer.canonical_name.empty()) answer.canonical_name = name;
    co_return answer;
  }
  io::Task<Answer> ask_server(Endpoint, std::string name, Type type, Deadline deadline) override {
    auto answer = co_await query(name, type, deadline);
    co_return answer;
  }
};

/// Nothing here waits.
class NoRuntime : public io::Runtime {
 public:
  TimePoint now() const override { return {}; }
  WallTime wall() const override { return {}; }
  io::Task<void> sleep_until(TimePoint) override { co_return; }
  void drive(const bool& done) override {
    if (!done) std::abort();
  }
};

struct DnsLookup : testing::Test {
  TableResolver resolver;
  NoRuntime runtime;
  Deadline deadline{TimePoint{1s}};
  MxLookup mx(std::string domain) { return io::run(runtime, look_up_mx(resolver, std::move(domain), deadline)); }
  ReverseLookup reverse(const char* address) {
    return io::run(runtime, look_up_reverse(resolver, *IpAddress::parse(address), deadline));
  }
};

TEST_F(DnsLookup, MxHostsComeByPreference) {
  resolver.add("example.org. 60 MX 20 b.example.org.");
  resolver.add("example.org. 60 MX 10 a.example.org.");
  resolver.add("example.org. 60 MX 20 a2.example.org.");
  auto lookup = mx("Example.org.");
  EXPECT_EQ(lookup.kind, MxKind::listed);
  EXPECT_EQ(lookup.hosts,
            (std::vector<MxHost>{{10, "a.example.org", 60}, {20, "b.example.org", 60}, {20, "a2.example.org", 60}}));
  EXPECT_EQ(resolver.asked.size(), 1U);
}

TEST_F(DnsLookup, NullMx) {
  resolver.add("example.org. MX 0 .");
  EXPECT_EQ(mx("example.org").kind, MxKind::null_mx);
  EXPECT_TRUE(mx("example.org").hosts.empty());
  resolver.add("example.org. MX 10 mx.example.org.");
  auto both = mx("example.org");
  EXPECT_EQ(both.kind, MxKind::listed);
  EXPECT_TRUE(both.null_beside_others);
  EXPECT_EQ(both.hosts.size(), 1U);
}

TEST_F(DnsLookup, ImplicitMxByEitherFamily) {
  resolver.add("example.org. AAAA 2001:db8::25");
  auto lookup = mx("example.org");
  EXPECT_EQ(lookup.kind, MxKind::implicit);
  ASSERT_EQ(lookup.hosts.size(), 1U);
  EXPECT_EQ(lookup.hosts[0].name, "example.org");
  EXPECT_EQ(lookup.implicit->addresses.at(0).to_string(), "2001:db8::25");
}

TEST_F(DnsLookup, AbsenceIsNotFailure) {
  EXPECT_EQ(mx("empty.org").kind, MxKind::none);
  resolver.set("gone.org", Type::MX, Status::no_name);
  EXPECT_EQ(mx("gone.org").kind, MxKind::no_name);
  resolver.set("broken.org", Type::MX, Status::servfail);
  auto broken = mx("broken.org");
  EXPECT_EQ(broken.kind, MxKind::unknown);
  EXPECT_EQ(broken.why, "MX of broken.org: servfail");
  // No MX seen, but whether there are addresses was not found out.
  resolver.set("half.org", Type::A, Status::timed_out);
  auto half = mx("half.org");
  EXPECT_EQ(half.kind, MxKind::unknown);
  EXPECT_EQ(half.why, "A of half.org: timed-out");
}

TEST_F(DnsLookup, AddressesOfBothFamiliesAndOfLiterals) {
  resolver.add("mx.example.org. A 192.0.2.1");
  resolver.add("mx.example.org. A 192.0.2.1");
  resolver.add("mx.example.org. AAAA 2001:db8::1");
  auto host = io::run(runtime, look_up_addresses(resolver, "mx.example.org", deadline));
  EXPECT_EQ(host.addresses.size(), 2U);
  EXPECT_TRUE(host.complete());
  EXPECT_FALSE(host.alias());
  resolver.set("mx.example.org", Type::AAAA, Status::servfail);
  resolver.table[{"mx.example.org", Type::AAAA}].records.clear();
  host = io::run(runtime, look_up_addresses(resolver, "mx.example.org", deadline));
  EXPECT_EQ(host.status(), Status::found);
  EXPECT_FALSE(host.complete());
  auto v4 = io::run(runtime, look_up_addresses(resolver, "mx.example.org", deadline, Families::v4_only));
  EXPECT_FALSE(v4.aaaa);
  EXPECT_TRUE(v4.complete());
  resolver.asked.clear();
  auto literal = io::run(runtime, look_up_addresses(resolver, "[IPv6:2001:db8::5]", deadline));
  EXPECT_EQ(literal.addresses.at(0).to_string(), "2001:db8::5");
  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(DnsLookup, ReverseIsConfirmedOnlyByTheWayBack) {
  resolver.add("25.2.0.192.in-addr.arpa. PTR fake.example.");
  resolver.add("25.2.0.192.in-addr.arpa. PTR mx.example.");
  resolver.add("fake.example. A 192.0.2.99");
  auto lookup = reverse("192.0.2.25");
  EXPECT_FALSE(lookup.confirmed());
  EXPECT_TRUE(lookup.complete());
  EXPECT_EQ(lookup.best_name(), "fake.example");
  resolver.add("mx.example. A 192.0.2.25");
  lookup = reverse("192.0.2.25");
  EXPECT_TRUE(lookup.confirmed());
  EXPECT_EQ(lookup.best_name(), "mx.example");
  EXPECT_FALSE(lookup.names[0].confirmed);
  resolver.set("fake.example", Type::A, Status::timed_out);
  EXPECT_FALSE(reverse("192.0.2.25").complete());
}

TEST_F(DnsLookup, ReverseWithoutNames) {
  auto lookup = reverse("2001:db8::1");
  EXPECT_TRUE(lookup.names.empty());
  EXPECT_FALSE(lookup.confirmed());
  EXPECT_TRUE(lookup.complete());
  EXPECT_EQ(lookup.best_name(), "");
  EXPECT_EQ(resolver.asked.at(0).substr(0, 9), "PTR 1.0.0");
}

}  // namespace
}  // namespace smtpdx::dns
