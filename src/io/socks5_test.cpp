// SPDX-License-Identifier: Apache-2.0
#include "io/socks5.hpp"

#include <gtest/gtest.h>

#include <array>

#include "io/listener.hpp"
#include "io/real.hpp"

namespace smtpdx::io {
namespace {

const IpAddress loopback = *IpAddress::parse("127.0.0.1");

/// A proxy that plays one dialogue: hears a number of octets, says its piece, and so on; then speaks for the far host.
struct Line {
  std::size_t hear;
  std::string say;
};

struct Heard {
  std::string all;
};

Task<bool> play(Listener& listener, std::vector<Line> lines, Heard& heard, Deadline deadline) {
  auto stream = co_await listener.accept(deadline);
  if (!stream) co_return false;
  for (const auto& line : lines) {
    std::size_t left = line.hear;
    std::array<char, 512> buffer;
    while (left > 0) {
      auto n = co_await (*stream)->read_some({buffer.data(), left}, deadline);
      if (!n) co_return false;
      heard.all.append(buffer.data(), *n);
      left -= *n;
    }
    auto sent = co_await (*stream)->write_all(line.say, deadline);
    if (!sent) co_return false;
  }
  co_return true;
}

struct Outcome {
  std::optional<IoFailure> failure;
  std::string greeting;
  Endpoint peer;
};

Task<bool> go(Connector& connector, ConnectRequest request, Outcome& outcome, Deadline deadline) {
  auto stream = co_await connector.connect(request, deadline);
  if (!stream) {
    outcome.failure = stream.error();
    co_return true;
  }
  outcome.peer = (*stream)->peer();
  std::array<char, 64> buffer;
  auto n = co_await (*stream)->read_some(buffer, deadline);
  if (n) outcome.greeting.assign(buffer.data(), *n);
  co_return true;
}

class Socks5Test : public testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = make_runtime();
  std::unique_ptr<Connector> tcp_ = make_tcp_connector(*runtime_, *make_tls_client({}));
  Heard heard_;

  Outcome meet(std::vector<Line> lines, ConnectRequest request, std::string user = {}, std::string password = {}) {
    auto listener = *listen_tcp(*runtime_, {loopback, 0});
    Socks5Connector socks(*tcp_, {listener->local(), user, password});
    Outcome outcome;
    const auto deadline = runtime_->deadline_in(2s);
    heard_.all.clear();
    std::vector<Task<bool>> both;
    both.push_back(play(*listener, std::move(lines), heard_, deadline));
    both.push_back(go(socks, request, outcome, deadline));
    (void)run(*runtime_, when_all(std::move(both)));
    return outcome;
  }
};

using namespace std::string_literals;
const ConnectRequest to_v4{{*IpAddress::parse("192.0.2.25"), 25}, "mx.example.org", {}};

TEST_F(Socks5Test, ConnectsToAnAddress) {
  const auto seen = meet({{3, "\5\0"s}, {10, "\5\0\0\1\0\0\0\0\0\0"s + "220 far\r\n"}}, to_v4);
  ASSERT_FALSE(seen.failure) << seen.failure->text;
  EXPECT_EQ(seen.greeting, "220 far\r\n");  // what follows the reply in the same packet is the far host's
  EXPECT_EQ(seen.peer.to_string(), "192.0.2.25:25");
  EXPECT_EQ(heard_.all, "\5\1\0"s + "\5\1\0\1\xC0\x00\x02\x19\x00\x19"s);
}

TEST_F(Socks5Test, ConnectsToIpv6AndHearsANameAsBoundAddress) {
  ConnectRequest v6{{*IpAddress::parse("2001:db8::25"), 587}, "", {}};
  const auto seen = meet({{3, "\5\0"s}, {22, "\5\0\0\3\4host\0\x50"s + "220\r\n"}}, v6);
  ASSERT_FALSE(seen.failure) << seen.failure->text;
  EXPECT_EQ(seen.greeting, "220\r\n");
  EXPECT_EQ(heard_.all.substr(3, 4), "\5\1\0\4"s);
  EXPECT_EQ(heard_.all.substr(23), "\x02\x4B"s);
}

TEST_F(Socks5Test, ConnectsByNameWhereThereIsNoAddress) {
  ConnectRequest by_name{{IpAddress{}, 25}, "MX.example.org.", {}};
  const auto seen = meet({{3, "\5\0"s}, {21, "\5\0\0\1\0\0\0\0\0\0"s + "220\r\n"}}, by_name);
  ASSERT_FALSE(seen.failure) << seen.failure->text;
  EXPECT_EQ(heard_.all.substr(3), "\5\1\0\3\x0Emx.example.org\0\x19"s);
}

TEST_F(Socks5Test, SaysUserAndPassword) {
  const auto seen =
      meet({{4, "\5\2"s}, {14, "\1\0"s}, {10, "\5\0\0\1\0\0\0\0\0\0"s + "220\r\n"}}, to_v4, "alice", "sesame");
  ASSERT_FALSE(seen.failure) << seen.failure->text;
  EXPECT_EQ(heard_.all.substr(0, 18), "\5\2\0\2"s + "\1\5alice\6sesame");
}

TEST_F(Socks5Test, TheProxysRefusalsAreHearsay) {
  const auto refused = meet({{3, "\5\0"s}, {10, "\5\5\0\1\0\0\0\0\0\0"s}}, to_v4);
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->kind, Failure::proxy);
  EXPECT_NE(refused.failure->text.find("connection refused"), std::string::npos);
  const auto wants_login = meet({{3, "\5\xFF"s}}, to_v4);
  EXPECT_EQ(wants_login.failure.value().kind, Failure::proxy);
  EXPECT_NE(wants_login.failure->text.find("wants authentication"), std::string::npos);
  const auto bad_login = meet({{4, "\5\2"s}, {9, "\1\1"s}}, to_v4, "bob", "not");
  EXPECT_NE(bad_login.failure.value().text.find("refused user and password"), std::string::npos);
  const auto not_socks = meet({{3, "HTTP/1.1 400"}}, to_v4);
  EXPECT_NE(not_socks.failure.value().text.find("version 5"), std::string::npos);
  const auto hangs_up = meet({{3, "\5"s}}, to_v4);
  EXPECT_EQ(hangs_up.failure.value().kind, Failure::proxy);
}

TEST_F(Socks5Test, ADeadProxyIsTheProxysFailure) {
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  Socks5Connector socks(*tcp_, {listener->local(), "", ""});
  listener.reset();
  auto stream = run(*runtime_, socks.connect(to_v4, runtime_->deadline_in(2s)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::proxy);
}

}  // namespace
}  // namespace smtpdx::io
