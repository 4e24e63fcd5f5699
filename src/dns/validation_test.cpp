// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "dns/caching_resolver.hpp"
#include "dns/make_resolver.hpp"
#include "dns/stub.hpp"
#include "dns/test_server.hpp"
#include "dns/unbound_upstream.hpp"
#include "dns/validating.hpp"
#include "io/real.hpp"

namespace smtpdx::dns {
namespace {

using Transport = TestServer::Transport;

/// A zone signed from 2026 to 2036 with a key that was thrown away; sub.signed.example is delegated without DS.
const std::vector<std::string> signed_zone = {
    "signed.example. 300 IN SOA ns.signed.example. admin.signed.example. 1 3600 600 86400 60",
    "signed.example. 300 IN RRSIG SOA 13 2 300 20360101000000 20260101000000 33243 signed.example. "
    "IGN8VlwKkQf8G97SILF0dqPgylnVdYADz5SbDe6UFrRJYQQYrvyy5QaXkknukBUSky6/2CylixjHehFaaMcMWA==",
    "signed.example. 300 IN NS ns.signed.example.",
    "signed.example. 300 IN RRSIG NS 13 2 300 20360101000000 20260101000000 33243 signed.example. "
    "XSUK7tGa1cQzf6HFLtTracrhorkwVt7Q45bpo/o69JxXCm88+yvriYbdKAg9rjCKuIh1Gs9W1GzD8Pkh8u+hMQ==",
    "signed.example. 300 IN MX 10 mx.signed.example.",
    "signed.example. 300 IN RRSIG MX 13 2 300 20360101000000 20260101000000 33243 signed.example. "
    "mVx5xqqwi1Pt6VrIVZPaGeqGnCzf3+vwSFgkLOZWguhOMqIvBL/EEW2wbY5SjpW6cO4MrQfLiO8t3cD0HgZ+jg==",
    "signed.example. 300 IN DNSKEY 257 3 13 "
    "jaFJ/+sXlBuhrfzU+k5jPLk30NnqTenprFpuI1fYxWwA+C5J6BcBW8iOV7sLhgYzEXdrJpMxioRdczJ2QGHfiA==",
    "signed.example. 300 IN RRSIG DNSKEY 13 2 300 20360101000000 20260101000000 33243 signed.example. "
    "7nBQIz85Rk13PkoSjW626u4jViC9rXKrAxBbZ5F+Nx+I2V0KRn7rkIGHVo8M8Sgsx+srCGhIGC0q1EZ+uV/OmA==",
    "signed.example. 60 IN NSEC mx.signed.example. NS SOA MX RRSIG NSEC DNSKEY",
    "signed.example. 60 IN RRSIG NSEC 13 2 60 20360101000000 20260101000000 33243 signed.example. "
    "jtZ2JqaFqW2qurxAqZdm72RQXEKdYkm/96e2BeAXBn+FwN6CT7xS6OXRTaa2de1H3SU16y9girtc+zo5aQrn3w==",
    "mx.signed.example. 300 IN A 192.0.2.25",
    "mx.signed.example. 300 IN RRSIG A 13 3 300 20360101000000 20260101000000 33243 signed.example. "
    "+P3r6v7olG0Pzd0MfCkKF2fFSxp/Wbk5c5gMd41pbDe8Vtdpzel+XHmcu/elrD9fa7dEKMJoguRVqXnNG24w4A==",
    "mx.signed.example. 60 IN NSEC sub.signed.example. A RRSIG NSEC",
    "mx.signed.example. 60 IN RRSIG NSEC 13 3 60 20360101000000 20260101000000 33243 signed.example. "
    "Xr5GQBVfTdi9WpOjxk2azopinZ2Lit8Zy4mywWtHL/uXSY4/7h9bW39X9iysbejz7j3wfKxUIBqkLJfdp7nc8A==",
    "sub.signed.example. 300 IN NS ns.signed.example.",
    "sub.signed.example. 60 IN NSEC signed.example. NS RRSIG NSEC",
    "sub.signed.example. 60 IN RRSIG NSEC 13 3 60 20360101000000 20260101000000 33243 signed.example. "
    "ioHSlhfqzLs9l8g8WGs4zjyGkwAvkjzmrBFl1pd96sgEZTy5u5eZvHBwkfBTWUmSg7XxsS0mK612dAKp/hLn2Q=="};

constexpr const char* anchor =
    "signed.example. IN DS 33243 13 2 171f547325ede8e7489e5fe5017258183d09fbcf100ed74a5fea5a4ddb61527b";

/// 2030-01-01: within the signatures' time, whenever the test runs.
const WallTime in_2030 = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);
const WallTime in_2037 = std::chrono::sys_days(std::chrono::year(2037) / 1 / 1);

constexpr auto rrsig = static_cast<Type>(46);
constexpr auto nsec = static_cast<Type>(47);

std::vector<Record> signed_records() {
  std::vector<Record> records;
  for (const auto& line : signed_zone) records.push_back(wire::record_from_line(line).value());
  return records;
}

/// The records of one name and type with their signatures.
void add_set(std::vector<Record>& into, std::string_view owner, Type type) {
  for (const auto& record : signed_records()) {
    if (record.owner != owner) continue;
    auto covers = [&] { return static_cast<Type>(record.rdata[0] << 8 | record.rdata[1]) == type; };
    if (record.type == type || (record.type == rrsig && covers())) into.push_back(record);
  }
}

wire::Message signed_reply(const wire::Message& query) {
  auto reply = wire::reply_to(query);
  const auto& question = *query.question;
  if (question.name == "x.sub.signed.example" || question.name == "other.example") {
    reply.answer.push_back(wire::record_from_line(question.name + ". MX 5 mail.example.").value());
    return reply;
  }
  add_set(reply.answer, question.name, question.type);
  if (reply.answer.empty()) {
    add_set(reply.authority, "signed.example", Type::SOA);
    add_set(reply.authority, question.name, nsec);
  }
  return reply;
}

std::string serve_signed(const wire::Message& query, Transport) { return wire::encode(signed_reply(query)).value(); }

/// As a forwarder that knows nothing of DNSSEC.
std::string serve_stripped(const wire::Message& query, Transport) {
  auto reply = signed_reply(query);
  for (auto* section : {&reply.answer, &reply.authority}) {
    std::erase_if(*section, [](const Record& r) { return r.type == rrsig || r.type == nsec; });
  }
  return wire::encode(reply).value();
}

std::shared_ptr<io::TlsClient> any_tls() {
  static auto tls = io::make_tls_client({}).value();
  return tls;
}

struct Ground {
  std::unique_ptr<io::Runtime> runtime = io::make_runtime();
  std::unique_ptr<io::Datagrams> datagrams = io::make_datagrams(*runtime);
  std::unique_ptr<io::Connector> connector = io::make_tcp_connector(*runtime, any_tls());
  trace::Log log;
  std::unique_ptr<Resolver> resolver;

  Doors doors() { return {*runtime, *datagrams, *connector, std::nullopt}; }
  void use(std::unique_ptr<Upstream> upstream) {
    resolver = std::make_unique<CachingResolver>(doors(), std::move(upstream), log);
  }
  Answer query(std::string name, Type type, Duration limit = 5s) {
    return io::run(*runtime, resolver->query(std::move(name), type, runtime->deadline_in(limit)));
  }
};

struct Validated : Ground {
  explicit Validated(const TestServer& server, WallTime at = in_2030) {
    auto path = testing::TempDir() + "anchor.ds";
    std::ofstream(path) << "; the anchor\n\n" << anchor << "\n";
    ResolverOptions options;
    options.forwarders = {server.endpoint()};
    options.trust_anchor_files = {path};
    options.validation_time = at;
    ResolverGround ground{*runtime, *datagrams, *connector, log};
    resolver = make_resolver(ground, options).value();
  }
};

TEST(DnsValidation, SecureAnswersAndDenials) {
  TestServer server(serve_signed);
  Validated client(server);
  auto mx = client.query("signed.example", Type::MX);
  ASSERT_EQ(mx.status, Status::found) << mx.why;
  EXPECT_EQ(mx.validation, Validation::secure);
  ASSERT_EQ(mx.records.size(), 1U);
  EXPECT_EQ(mx.records[0].name, "mx.signed.example");
  EXPECT_EQ(client.log.words(mx.evidence), "NOERROR secure, 10 mx.signed.example");
  auto none = client.query("mx.signed.example", Type::AAAA);
  EXPECT_EQ(none.status, Status::no_data) << none.why;
  EXPECT_EQ(none.validation, Validation::secure);
  // One question an answer, the zone's keys once, and the very first question plainly before that.
  EXPECT_EQ(server.asked(), (std::vector<std::string>{"MX signed.example", "MX signed.example", "DNSKEY signed.example",
                                                      "AAAA mx.signed.example"}));
}

TEST(DnsValidation, UnsignedDelegationsAreInsecureAndStrangersUnchecked) {
  TestServer server(serve_signed);
  Validated client(server);
  auto insecure = client.query("x.sub.signed.example", Type::MX);
  EXPECT_EQ(insecure.status, Status::found) << insecure.why;
  EXPECT_EQ(insecure.validation, Validation::insecure);
  auto stranger = client.query("other.example", Type::MX);
  EXPECT_EQ(stranger.status, Status::found) << stranger.why;
  EXPECT_EQ(stranger.validation, Validation::unchecked);
}

TEST(DnsValidation, ForgedAnswersAreBogus) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = signed_reply(query);
    for (auto& record : reply.answer) {
      if (record.type == Type::MX) record.rdata = std::string("\0\x0A\4evil\7example\0", 16);
    }
    return wire::encode(reply).value();
  });
  Validated client(server);
  auto mx = client.query("signed.example", Type::MX);
  EXPECT_EQ(mx.status, Status::servfail);
  EXPECT_EQ(mx.validation, Validation::bogus);
  EXPECT_TRUE(mx.records.empty());
  EXPECT_NE(mx.why.find("signature"), std::string::npos) << mx.why;
}

TEST(DnsValidation, ExpiredSignaturesAreBogusAndSaySo) {
  TestServer server(serve_signed);
  Validated client(server, in_2037);
  auto mx = client.query("signed.example", Type::MX);
  EXPECT_EQ(mx.validation, Validation::bogus);
  EXPECT_NE(mx.why.find("expired"), std::string::npos) << mx.why;
}

TEST(DnsValidation, FailuresKeepTheServersWords) {
  TestServer server([](const wire::Message& query, Transport) {
    auto reply = wire::reply_to(query);
    reply.rcode = 5;
    return wire::encode(reply).value();
  });
  Validated client(server);
  auto answer = client.query("signed.example", Type::MX);
  EXPECT_EQ(answer.status, Status::servfail);
  EXPECT_EQ(answer.rcode, 5);
  EXPECT_EQ(answer.validation, Validation::unchecked);
}

TEST(DnsValidation, ADeadForwarderIsToldAtOnce) {
  auto gone = std::make_unique<TestServer>(serve_signed);
  Validated client(*gone);
  gone.reset();
  auto started = client.runtime->now();
  auto answer = client.query("signed.example", Type::MX);
  EXPECT_EQ(answer.status, Status::timed_out);
  EXPECT_NE(answer.why.find("refused"), std::string::npos) << answer.why;
  EXPECT_LT(to_ms(client.runtime->now() - started), 2000);
}

std::unique_ptr<Upstream> validating(Ground& ground, const TestServer& server, AnchorSource source) {
  // Of some root, though not of this one.
  const std::string root = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
  UnboundSettings settings{{server.endpoint()}, {root}, in_2030};
  auto validator = make_unbound_upstream(*ground.runtime, settings).value();
  auto plain = std::make_unique<Stub>(ground.doors(), settings.forwarders);
  return std::make_unique<Validating>(*ground.runtime, std::move(validator), std::move(plain), source);
}

TEST(DnsValidation, ForwardersWithoutDnssecSpoilNothingWithTheSystemsAnchor) {
  TestServer server(serve_stripped);
  Ground client;
  client.use(validating(client, server, AnchorSource::built_in));
  auto mx = client.query("signed.example", Type::MX);
  EXPECT_EQ(mx.status, Status::found) << mx.why;
  EXPECT_EQ(mx.validation, Validation::unchecked);
  auto before = server.asked().size();
  EXPECT_EQ(client.query("mx.signed.example", Type::A).status, Status::found);
  EXPECT_EQ(server.asked().size(), before + 1);  // the validator is not tried again
}

TEST(DnsValidation, ForwardersWithoutDnssecAreBogusWithAGivenAnchor) {
  TestServer server(serve_stripped);
  Ground client;
  client.use(validating(client, server, AnchorSource::given));
  auto mx = client.query("signed.example", Type::MX);
  EXPECT_EQ(mx.status, Status::servfail);
  EXPECT_EQ(mx.validation, Validation::bogus);
  EXPECT_FALSE(mx.why.empty());
}

TEST(DnsUnbound, OneRoundTripAnAnswerAndItsBuiltInZonesAreOpen) {
  TestServer server(zone({"mail.test. 300 MX 10 mx.mail.test.", "mx.mail.test. A 192.0.2.25",
                          "25.2.0.192.in-addr.arpa. PTR mx.mail.test.", "1.0.0.10.in-addr.arpa. PTR inside.test."}),
                    30ms);
  Ground client;
  client.use(make_unbound_upstream(*client.runtime, {{server.endpoint()}, {}, std::nullopt}).value());
  auto started = client.runtime->now();
  auto mx = client.query("mail.test", Type::MX);
  auto a = client.query("mx.mail.test", Type::A);
  auto took = client.runtime->now() - started;
  EXPECT_EQ(mx.status, Status::found) << mx.why;
  EXPECT_EQ(mx.validation, Validation::unchecked);
  EXPECT_EQ(a.records.at(0).address.to_string(), "192.0.2.25");
  EXPECT_EQ(server.asked(), (std::vector<std::string>{"MX mail.test", "A mx.mail.test"}));
  RecordProperty("ms_over_round_trips", static_cast<int>(to_ms(took)) - 60);
  EXPECT_EQ(client.query("25.2.0.192.in-addr.arpa", Type::PTR).status, Status::found);
  EXPECT_EQ(client.query("1.0.0.10.in-addr.arpa", Type::PTR).status, Status::found);
}

TEST(DnsUnbound, ManyAtOnceAndTheDeadline) {
  auto answer = zone({"example.org. A 192.0.2.1"});
  TestServer server([&](const wire::Message& query, Transport transport) {
    return query.question->name == "silent.example.org" ? std::string() : answer(query, transport);
  });
  Ground client;
  client.use(make_unbound_upstream(*client.runtime, {{server.endpoint()}, {}, std::nullopt}).value());
  std::vector<io::Task<Answer>> tasks;
  auto deadline = client.runtime->deadline_in(400ms);
  for (int i = 0; i < 40; ++i) {
    tasks.push_back(client.resolver->query("n" + std::to_string(i) + ".example.org", Type::A, deadline));
  }
  tasks.push_back(client.resolver->query("silent.example.org", Type::A, deadline));
  auto started = client.runtime->now();
  auto answers = io::run(*client.runtime, io::when_all(std::move(tasks)));
  EXPECT_LT(to_ms(client.runtime->now() - started), 800);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(answers[i].status, Status::no_name) << answers[i].why;
  EXPECT_EQ(answers[40].status, Status::timed_out);
  EXPECT_EQ(client.query("example.org", Type::A).status, Status::found);
}

TEST(DnsUnbound, BadSettingsAreErrors) {
  auto path = testing::TempDir() + "bad.ds";
  std::ofstream(path) << "; nothing\n";
  EXPECT_EQ(read_trust_anchors(path).error().kind, ErrorKind::malformed);
  std::ofstream(path) << "example.org. A 192.0.2.1\n";
  EXPECT_NE(read_trust_anchors(path).error().message.find("bad.ds:1"), std::string::npos);
  EXPECT_EQ(read_trust_anchors(path + ".absent").error().kind, ErrorKind::unreadable);
}

}  // namespace
}  // namespace smtpdx::dns
