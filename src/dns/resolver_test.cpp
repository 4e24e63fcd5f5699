// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "dns/lookup.hpp"
#include "dns/make_resolver.hpp"
#include "dns/test_server.hpp"
#include "io/group.hpp"
#include "io/real.hpp"

namespace smtpdx::dns {
namespace {

using Transport = TestServer::Transport;

/// Made once: it reads the system's certificates, which no test here needs.
std::shared_ptr<io::TlsClient> any_tls() {
  static auto tls = io::make_tls_client({}).value();
  return tls;
}

/// Our side of the world: a real runtime, a resolver at the servers given.
struct Client {
  std::unique_ptr<io::Runtime> runtime = io::make_runtime();
  std::unique_ptr<io::Datagrams> datagrams = io::make_datagrams(*runtime);
  std::unique_ptr<io::Connector> connector = io::make_tcp_connector(*runtime, any_tls());
  trace::Log log;
  std::unique_ptr<Resolver> resolver;

  explicit Client(ResolverOptions options) {
    ResolverGround ground{*runtime, *datagrams, *connector, log};
    resolver = make_resolver(ground, std::move(options)).value();
  }
  explicit Client(const TestServer& server) : Client(forwarding({server.endpoint()})) {}

  static ResolverOptions forwarding(std::vector<Endpoint> servers) {
    ResolverOptions options;
    options.forwarders = std::move(servers);
    return options;
  }
  Deadline in(Duration d) const { return runtime->deadline_in(d); }
  Answer query(std::string name, Type type, Duration limit = 3s) {
    return io::run(*runtime, resolver->query(std::move(name), type, in(limit)));
  }
  std::vector<Answer> queries(const std::vector<std::pair<std::string, Type>>& questions, Duration limit = 3s) {
    std::vector<io::Task<Answer>> tasks;
    for (const auto& [name, type] : questions) tasks.push_back(resolver->query(name, type, in(limit)));
    return io::run(*runtime, io::when_all(std::move(tasks)));
  }
};

TEST(DnsResolver, OneRoundTripAnAnswer) {
  TestServer server(zone({"example.org. 300 MX 10 mx.example.org.", "mx.example.org. A 192.0.2.25"}), 40ms);
  Client client(server);
  auto started = client.runtime->now();
  auto mx = client.query("Example.ORG.", Type::MX);
  auto a = client.query("mx.example.org", Type::A);
  auto took = client.runtime->now() - started;
  ASSERT_EQ(mx.status, Status::found) << mx.why;
  EXPECT_EQ(mx.name, "example.org");
  EXPECT_EQ(mx.records[0].name, "mx.example.org");
  EXPECT_EQ(mx.validation, Validation::unchecked);
  EXPECT_EQ(mx.server, server.endpoint().to_string());
  EXPECT_GE(to_ms(mx.took), 40);
  EXPECT_EQ(a.records.at(0).address.to_string(), "192.0.2.25");
  EXPECT_EQ(server.asked(), (std::vector<std::string>{"MX example.org", "A mx.example.org"}));
  RecordProperty("ms_over_round_trips", static_cast<int>(to_ms(took)) - 80);
}

TEST(DnsResolver, WritesEachQuestionToTheTrace) {
  TestServer server(zone({"example.org. 300 MX 10 mx.example.org."}));
  Client client(server);
  auto mx = client.query("example.org", Type::MX);
  auto none = client.query("nobody.example.org", Type::A);
  ASSERT_EQ(client.log.channels().size(), 2U);
  const auto& channel = client.log.channels()[0];
  EXPECT_EQ(channel.id(), "dns#1");
  EXPECT_EQ(channel.peer(), server.endpoint().to_string());
  ASSERT_EQ(channel.lines().size(), 2U);
  EXPECT_EQ(channel.lines()[0].text, "MX example.org");
  EXPECT_EQ(channel.lines()[0].direction, trace::Direction::client);
  EXPECT_EQ(client.log.words(mx.evidence), "NOERROR, 10 mx.example.org");
  EXPECT_EQ(client.log.words(none.evidence), "NXDOMAIN");
  EXPECT_EQ(none.status, Status::no_name);
}

TEST(DnsResolver, EqualQuestionsShareOneLookUp) {
  TestServer server(zone({"example.org. A 192.0.2.1"}), 20ms);
  Client client(server);
  auto answers = client.queries({{"example.org", Type::A}, {"EXAMPLE.org", Type::A}, {"example.org.", Type::A}});
  for (const auto& answer : answers) EXPECT_EQ(answer.status, Status::found);
  EXPECT_EQ(answers[2].evidence, answers[0].evidence);
  client.query("example.org", Type::A);
  EXPECT_EQ(server.asked().size(), 1U);
  client.query("example.org", Type::AAAA);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(DnsResolver, ManyAtOnce) {
  TestServer server(zone({"example.org. A 192.0.2.1"}), 20ms);
  Client client(server);
  std::vector<std::pair<std::string, Type>> questions;
  for (int i = 0; i < 60; ++i) questions.emplace_back("n" + std::to_string(i) + ".example.org", Type::A);
  auto started = client.runtime->now();
  for (const auto& answer : client.queries(questions)) EXPECT_EQ(answer.status, Status::no_name) << answer.why;
  EXPECT_LT(to_ms(client.runtime->now() - started), 1000);
}

TEST(DnsResolver, AnAbandonedAskerLeavesItsPlaceToTheOthers) {
  std::atomic<int> asked = 0;
  auto answer = zone({"example.org. A 192.0.2.1"});
  TestServer server([&](const wire::Message& query, Transport transport) {
    return ++asked == 1 ? std::string() : answer(query, transport);
  });
  Client client(server);
  std::optional<Answer> got;
  auto ask = [](Resolver& resolver, Deadline deadline, std::optional<Answer>& into) -> io::Task<void> {
    into = co_await resolver.query("example.org", Type::A, deadline);
  };
  std::optional<Answer> never;
  io::Group followers;
  {
    io::Group given_up;
    given_up.spawn(ask(*client.resolver, client.in(5s), never));
    followers.spawn(ask(*client.resolver, client.in(5s), got));
    EXPECT_TRUE(client.log.channels().size() == 1);  // the second one waits for the first
  }
  auto join = [](io::Group& group) -> io::Task<int> {
    co_await group.join();
    co_return 0;
  };
  io::run(*client.runtime, join(followers));
  EXPECT_FALSE(never);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, Status::found);
}

TEST(DnsResolver, SilenceEndsAtTheDeadlineAndIsNotRemembered) {
  std::atomic<bool> silent = true;
  auto answer = zone({"example.org. A 192.0.2.1"});
  TestServer server([&](const wire::Message& query, Transport transport) {
    return silent ? std::string() : answer(query, transport);
  });
  Client client(server);
  auto started = client.runtime->now();
  auto timed_out = client.query("example.org", Type::A, 150ms);
  auto took = to_ms(client.runtime->now() - started);
  EXPECT_EQ(timed_out.status, Status::timed_out);
  EXPECT_FALSE(timed_out.rcode);
  EXPECT_GE(took, 145);
  EXPECT_LT(took, 600);
  EXPECT_FALSE(timed_out.evidence.channel.empty());
  silent = false;
  EXPECT_EQ(client.query("example.org", Type::A).status, Status::found);
}

TEST(DnsResolver, WaitersOutliveAnAskerWithAShortDeadline) {
  std::atomic<int> asked = 0;
  auto answer = zone({"example.org. A 192.0.2.1"});
  TestServer server([&](const wire::Message& query, Transport transport) {
    return ++asked == 1 ? std::string() : answer(query, transport);
  });
  Client client(server);
  std::vector<io::Task<Answer>> tasks;
  tasks.push_back(client.resolver->query("example.org", Type::A, client.in(100ms)));
  tasks.push_back(client.resolver->query("example.org", Type::A, client.in(2s)));
  auto answers = io::run(*client.runtime, io::when_all(std::move(tasks)));
  EXPECT_EQ(answers[0].status, Status::timed_out);
  EXPECT_EQ(answers[1].status, Status::found);
}

TEST(DnsResolver, KeepsTheServersOwnWordsOfFailure) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    reply.rcode = query.question->name == "refused.test" ? 5 : 2;
    if (reply.edns) reply.edns->errors.push_back({22, "at 192.0.2.1"});
    return wire::encode(reply).value();
  });
  Client client(server);
  auto failed = client.query("a.test", Type::MX);
  EXPECT_EQ(failed.status, Status::servfail);
  EXPECT_EQ(failed.rcode, 2);
  EXPECT_EQ(failed.why, "SERVFAIL; no reachable authority (at 192.0.2.1)");
  EXPECT_EQ(client.query("refused.test", Type::MX).rcode, 5);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(DnsResolver, TheNextServerIsAskedAfterAFailure) {
  TestServer bad([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    reply.rcode = 5;
    return wire::encode(reply).value();
  });
  TestServer good(zone({"example.org. A 192.0.2.1"}));
  Client client(Client::forwarding({bad.endpoint(), good.endpoint()}));
  auto answer = client.query("example.org", Type::A);
  EXPECT_EQ(answer.status, Status::found);
  EXPECT_EQ(answer.server, good.endpoint().to_string());
  client.query("example.org", Type::MX);
  EXPECT_EQ(bad.asked().size(), 1U);  // the good one comes first from then on
}

TEST(DnsResolver, NobodyThereIsToldAtOnce) {
  Endpoint nobody;
  {
    TestServer server(zone({}));
    nobody = server.endpoint();
  }
  Client client(Client::forwarding({nobody}));
  auto started = client.runtime->now();
  auto answer = client.query("example.org", Type::A, 3s);
  EXPECT_EQ(answer.status, Status::timed_out);
  EXPECT_NE(answer.why.find("refused"), std::string::npos) << answer.why;
  EXPECT_LT(to_ms(client.runtime->now() - started), 1000);
}

TEST(DnsResolver, TruncatedAnswersComeByTcp) {
  auto full = zone({"example.org. TXT \"" + std::string(200, 'k') + "\""});
  TestServer server([&](const wire::Message& query, Transport transport) {
    if (transport == Transport::tcp) return full(query, transport);
    auto reply = wire::reply_to(query);
    reply.truncated = true;
    return wire::encode(reply).value();
  });
  Client client(server);
  auto answer = client.query("example.org", Type::TXT);
  ASSERT_EQ(answer.status, Status::found) << answer.why;
  EXPECT_EQ(answer.records[0].text, std::string(200, 'k'));
  auto direct =
      io::run(*client.runtime, client.resolver->ask_server(server.endpoint(), "example.org", Type::TXT, client.in(3s)));
  EXPECT_EQ(direct.status, Status::found) << direct.why;
  EXPECT_EQ(server.asked()[1], "tcp TXT example.org");
}

TEST(DnsResolver, ForeignAndBrokenPackets) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    if (query.question->name == "foreign.test") reply.id = static_cast<std::uint16_t>(reply.id + 1);
    if (query.question->name == "other.test") reply.question->name = "else.test";
    auto packet = wire::encode(reply).value();
    if (query.question->name == "broken.test") packet += "junk";
    if (query.question->name == "old.test" && query.edns) {
      reply.edns.reset();
      reply.rcode = 1;
      packet = wire::encode(reply).value();
    }
    return packet;
  });
  Client client(server);
  EXPECT_EQ(client.query("foreign.test", Type::A, 100ms).status, Status::timed_out);
  EXPECT_EQ(client.query("other.test", Type::A, 100ms).status, Status::timed_out);
  auto broken = client.query("broken.test", Type::A);
  EXPECT_EQ(broken.status, Status::servfail);
  EXPECT_NE(broken.why.find("4 octets left over"), std::string::npos) << broken.why;
  EXPECT_EQ(client.query("old.test", Type::A).status, Status::no_data);
}

TEST(DnsResolver, AliasesThatTheServerDoesNotFollow) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    auto line = query.question->name == "www.example.org" ? "www.example.org. CNAME host.example.net."
                                                          : "host.example.net. A 192.0.2.7";
    reply.answer.push_back(wire::record_from_line(line).value());
    return wire::encode(reply).value();
  });
  Client client(server);
  auto answer = client.query("www.example.org", Type::A);
  ASSERT_EQ(answer.status, Status::found);
  EXPECT_EQ(answer.name, "www.example.org");
  EXPECT_EQ(answer.canonical_name, "host.example.net");
}

TEST(DnsResolver, BadNamesAreOurOwnFailure) {
  TestServer server(zone({}));
  Client client(server);
  auto answer = client.query("a..b", Type::A);
  EXPECT_EQ(answer.status, Status::local);
  EXPECT_EQ(answer.why, "\"a..b\" is not a domain name");
  EXPECT_TRUE(server.asked().empty());
}

TEST(DnsResolver, AskServerIsDirectAndNeverRemembered) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    EXPECT_FALSE(query.recursion_desired);
    reply.authoritative = true;
    reply.answer.push_back(wire::record_from_line("example.org. NS ns1.example.org.").value());
    return wire::encode(reply).value();
  });
  Client client(server);
  for (int i = 0; i < 2; ++i) {
    auto answer = io::run(*client.runtime,
                          client.resolver->ask_server(server.endpoint(), "example.org", Type::NS, client.in(3s)));
    EXPECT_EQ(answer.status, Status::found);
    EXPECT_TRUE(answer.authoritative);
    EXPECT_EQ(client.log.words(answer.evidence), "NOERROR aa, ns1.example.org");
  }
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(DnsResolver, ReadsResolvConf) {
  auto path = testing::TempDir() + "resolv.conf";
  std::ofstream(path) << "# comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver  2001:db8::1\n"
                      << "nameserver fe80::1%eth0\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
  auto servers = read_resolv_conf(path);
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(servers[1].to_string(), "[2001:db8::1]:53");
  EXPECT_EQ(servers[2].to_string(), "192.0.2.2:53");
  EXPECT_TRUE(read_resolv_conf(path + ".absent").empty());
}

}  // namespace
}  // namespace smtpdx::dns
