// SPDX-License-Identifier: Apache-2.0
#include "mock/internet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/make_resolver.hpp"
#include "io/connect_to.hpp"
#include "io/real.hpp"
#include "smtp/session.hpp"

namespace smtpdx::mock {
namespace {

constexpr std::string_view world =
    "-- dns --\n"
    "example.org. MX 10 mx.example.org.\n"
    "example.org. NS ns.example.org.\n"
    "ns.example.org. A 192.0.2.53\n"
    "mx.example.org. A 192.0.2.25\n"
    "@192.0.2.53 mx.example.org. A 192.0.2.99\n"
    "-- server 192.0.2.25:25 --\n"
    "name: mx.example.org\n"
    "starttls: yes\n"
    "domain: example.org\n"
    "client 203.0.113.66: 554 5.7.1 not from %c\n"
    "-- server 192.0.2.26:25 --\n"
    "reach: silent\n"
    "-- server 192.0.2.27:25 --\n"
    "reach: unreachable\n";

struct Net {
  Net() {
    auto started = Internet::start(*runtime, parse_scenario("world", world).value());
    internet = std::move(started).value();
  }
  io::IoResult<std::unique_ptr<io::Stream>> connect(std::string_view to, const char* source = nullptr) {
    io::ConnectRequest request;
    request.to = {*IpAddress::parse(to.substr(0, to.rfind(':'))),
                  static_cast<std::uint16_t>(std::stoi(std::string(to.substr(to.rfind(':') + 1))))};
    if (source) request.source = IpAddress::parse(source);
    return io::run(*runtime, internet->connector().connect(request, runtime->deadline_in(300ms)));
  }
  io::Failure failure(std::string_view to) {
    auto connected = connect(to);
    EXPECT_FALSE(connected.has_value());
    return connected ? io::Failure::local : connected.error().kind;
  }
  /// The reply to RCPT when coming from `source`, after STARTTLS.
  std::string rcpt(const char* source) {
    auto connected = connect("192.0.2.25:25", source);
    EXPECT_TRUE(connected.has_value());
    trace::Log log;
    auto& channel = log.open("smtp", "192.0.2.25:25");
    return io::run(*runtime, converse(std::move(*connected), channel));
  }
  io::Task<std::string> converse(std::unique_ptr<io::Stream> stream, trace::Channel& channel) {
    const auto deadline = runtime->deadline_in(10s);
    smtp::Session session(*runtime, std::move(stream), channel);
    co_await session.greeting(deadline);
    co_await session.ehlo("probe.test", smtp::Session::Fallback::none, deadline);
    io::TlsOptions options;
    options.server_name = "mx.example.org";
    co_await session.starttls(options, deadline);
    trusted = session.tls() && session.tls()->chain_trusted && session.tls()->name_matches;
    co_await session.ehlo("probe.test", smtp::Session::Fallback::none, deadline);
    co_await session.mail("", deadline);
    auto step = co_await session.rcpt("bob@example.org", deadline);
    co_return step.reply ? step.reply->to_string() : std::string("no reply");
  }

  std::unique_ptr<io::Runtime> runtime = io::make_runtime();
  std::unique_ptr<Internet> internet;
  bool trusted = false;
};

TEST(Internet, LeadsOnlyToWhatTheScenarioDescribes) {
  Net net;
  EXPECT_TRUE(net.connect("192.0.2.25:25").has_value());
  EXPECT_EQ(net.failure("192.0.2.25:587"), io::Failure::refused);
  EXPECT_EQ(net.failure("192.0.2.26:25"), io::Failure::timed_out);
  EXPECT_EQ(net.failure("192.0.2.27:25"), io::Failure::unreachable);
  EXPECT_EQ(net.failure("198.51.100.1:25"), io::Failure::unreachable);
  EXPECT_EQ(net.failure("127.0.0.1:25"), io::Failure::unreachable);  // not even this machine's own services
}

TEST(Internet, ServersSeeTheSourceOfTheScenarioAndShowATrustedCertificate) {
  Net net;
  EXPECT_EQ(net.rcpt(nullptr), "250 2.1.5 Ok");
  EXPECT_TRUE(net.trusted);
  EXPECT_EQ(net.rcpt("203.0.113.66"), "554 5.7.1 not from 203.0.113.66");
  EXPECT_EQ(net.rcpt("2001:db8::5"), "250 2.1.5 Ok");
  EXPECT_EQ(net.internet->connections(), 3u);
}

TEST(Internet, ResolverAndNameServersAnswerEachForItself) {
  Net net;
  trace::Log log;
  dns::ResolverOptions options;
  options.forwarders = {net.internet->resolver()};
  auto resolver =
      dns::make_resolver({*net.runtime, net.internet->datagrams(), net.internet->connector(), log}, options);
  ASSERT_TRUE(resolver.has_value());
  const auto deadline = net.runtime->deadline_in(5s);
  auto common = io::run(*net.runtime, (*resolver)->query("mx.example.org", dns::Type::A, deadline));
  auto own = io::run(*net.runtime, (*resolver)->ask_server({*IpAddress::parse("192.0.2.53"), 53}, "mx.example.org",
                                                           dns::Type::A, deadline));
  ASSERT_EQ(common.records.size(), 1u);
  EXPECT_EQ(common.records[0].address.to_string(), "192.0.2.25");
  ASSERT_EQ(own.records.size(), 1u);
  EXPECT_EQ(own.records[0].address.to_string(), "192.0.2.99");
  EXPECT_TRUE(own.authoritative);
}

TEST(Internet, TellsHowAnotherProcessReachesIt) {
  Net net;
  const auto words = net.internet->options();
  ASSERT_GE(words.size(), 6u);
  EXPECT_EQ(words[0], "--resolver");
  EXPECT_THAT(words[1], testing::StartsWith("127.0.0.1:"));
  for (std::size_t i = 2; i < words.size(); i += 2) {
    EXPECT_EQ(words[i], "--connect-to");
    EXPECT_TRUE(io::ConnectToRule::parse(words[i + 1]).has_value()) << words[i + 1];
  }
  EXPECT_THAT(words[3], testing::StartsWith("192.0.2.25:25:127.0.0.1:"));
  EXPECT_EQ(words.back(), "::127.0.0.1:1");
  EXPECT_THAT(net.internet->ca_pem(), testing::StartsWith("-----BEGIN CERTIFICATE-----"));
}

TEST(Internet, RefusesAWorldThatContradictsItself) {
  auto runtime = io::make_runtime();
  auto twice = Internet::start(*runtime, parse_scenario("w",
                                                        "-- server 192.0.2.1:25 --\nname: a.example\n"
                                                        "-- dialog 192.0.2.1:25 --\nS: 220 x\n")
                                             .value());
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().message, "w:3: 192.0.2.1:25 is described twice");
}

}  // namespace
}  // namespace smtpdx::mock
