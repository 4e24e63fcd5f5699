// SPDX-License-Identifier: Apache-2.0
#include "io/real.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "io/group.hpp"
#include "io/listener.hpp"

namespace smtpdx::io {
namespace {

const IpAddress loopback = *IpAddress::parse("127.0.0.1");

class RealTest : public testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = make_runtime();
  std::unique_ptr<Connector> connector_ = make_tcp_connector(*runtime_, *make_tls_client({}));

  std::unique_ptr<Listener> listen() { return *listen_tcp(*runtime_, {loopback, 0}); }
  Deadline soon(Duration d = 5s) { return runtime_->deadline_in(d); }
  IoResult<std::unique_ptr<Stream>> connect(Endpoint to, std::optional<IpAddress> source = {}) {
    ConnectRequest request{to, "", source};
    return run(*runtime_, connector_->connect(request, soon()));
  }
  IoResult<std::string> read(Stream& stream, Duration limit = 5s) {
    std::array<char, 256> buffer;
    auto n = run(*runtime_, stream.read_some(buffer, soon(limit)));
    if (!n) return std::unexpected(n.error());
    return std::string(buffer.data(), *n);
  }
  IoResult<std::size_t> write(Stream& stream, std::string_view bytes) {
    return run(*runtime_, stream.write_all(bytes, soon()));
  }
  struct Pair {
    std::unique_ptr<Stream> client;
    std::unique_ptr<ServerStream> server;
  };
  Pair pair() {
    auto listener = listen();
    auto client = connect(listener->local());
    auto server = run(*runtime_, listener->accept(soon()));
    return {std::move(*client), std::move(*server)};
  }
};

TEST_F(RealTest, OctetsGoBothWays) {
  auto [client, server] = pair();
  ASSERT_TRUE(write(*server, "220 hello\r\n"));
  EXPECT_EQ(read(*client).value(), "220 hello\r\n");
  ASSERT_TRUE(write(*client, "QUIT\r\n"));
  EXPECT_EQ(read(*server).value(), "QUIT\r\n");
  EXPECT_EQ(client->local(), server->peer());
  EXPECT_EQ(client->peer(), server->local());
  EXPECT_FALSE(client->is_tls());
}

TEST_F(RealTest, NobodyListensIsRefused) {
  auto listener = listen();
  const auto at = listener->local();
  listener.reset();
  auto stream = connect(at);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::refused);
  EXPECT_EQ(stream.error().text, "connection refused");
}

TEST_F(RealTest, SilenceTimesOutAndTheStreamStaysUsable) {
  auto [client, server] = pair();
  const auto before = runtime_->now();
  auto nothing = read(*client, 50ms);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, Failure::timed_out);
  const auto took = runtime_->now() - before;
  EXPECT_GE(took, 50ms);
  EXPECT_LT(took, 2s);
  ASSERT_TRUE(write(*server, "late"));
  EXPECT_EQ(read(*client).value(), "late");
}

TEST_F(RealTest, LaterDeadlinesReplaceEarlierOnes) {
  auto [client, server] = pair();
  for (const auto limit : {40ms, 10ms, 60ms}) {
    const auto before = runtime_->now();
    auto nothing = read(*client, limit);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().kind, Failure::timed_out);
    EXPECT_GE(runtime_->now() - before, limit);
  }
  // The timer armed for a short wait that was answered in time must not end a longer one.
  ASSERT_TRUE(write(*server, "x"));
  EXPECT_EQ(read(*client, 30ms).value(), "x");
  const auto before = runtime_->now();
  EXPECT_FALSE(read(*client, 120ms));
  EXPECT_GE(runtime_->now() - before, 120ms);
}

TEST_F(RealTest, OrderlyEndIsClosed) {
  auto [client, server] = pair();
  ASSERT_TRUE(write(*server, "421 bye\r\n"));
  server->close();
  EXPECT_EQ(read(*client).value(), "421 bye\r\n");
  auto end = read(*client);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, Failure::closed);
}

TEST_F(RealTest, ResetIsReset) {
  auto [client, server] = pair();
  server->reset();
  auto end = read(*client);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, Failure::reset);
  EXPECT_EQ(end.error().text, "connection reset by peer");
}

TEST_F(RealTest, ClosedHereFailsWithClosed) {
  auto [client, server] = pair();
  client->close();
  client->close();
  EXPECT_EQ(read(*client).error().kind, Failure::closed);
  EXPECT_EQ(write(*client, "x").error().kind, Failure::closed);
  EXPECT_EQ(client->peer(), server->local());
}

TEST_F(RealTest, SourceAddressIsUsed) {
  auto listener = listen();
  auto client = connect(listener->local(), IpAddress::parse("127.0.0.9"));
  ASSERT_TRUE(client);
  EXPECT_EQ((*client)->local().address.to_string(), "127.0.0.9");
}

TEST_F(RealTest, ImpossibleSourceIsOurFailure) {
  auto listener = listen();
  auto foreign = connect(listener->local(), IpAddress::parse("192.0.2.1"));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, Failure::local);
  EXPECT_NE(foreign.error().text.find("192.0.2.1"), std::string::npos);
  auto other_family = connect(listener->local(), IpAddress::parse("::1"));
  ASSERT_FALSE(other_family);
  EXPECT_EQ(other_family.error().kind, Failure::local);
}

TEST_F(RealTest, MoreThanTheSendBufferHolds) {
  auto [client, server] = pair();
  const std::string large(8 << 20, 'm');
  std::size_t seen = 0;
  struct Reader {
    static Task<bool> all(Stream& from, std::size_t& seen, std::size_t want, Deadline deadline) {
      std::array<char, 65536> buffer;
      while (seen < want) {
        auto n = co_await from.read_some(buffer, deadline);
        if (!n) co_return false;
        seen += *n;
      }
      co_return true;
    }
    static Task<bool> send(Stream& to, std::string_view bytes, Deadline deadline) {
      auto n = co_await to.write_all(bytes, deadline);
      co_return n.has_value();
    }
  };
  std::vector<Task<bool>> both;
  both.push_back(Reader::send(*client, large, soon(20s)));
  both.push_back(Reader::all(*server, seen, large.size(), soon(20s)));
  EXPECT_EQ(run(*runtime_, when_all(std::move(both))), (std::vector<bool>{true, true}));
  EXPECT_EQ(seen, large.size());
  // A reader that stops: the writer's deadline ends it.
  const std::string endless(96u << 20, 'x');  // more than the kernel ever buffers
  auto stuck = run(*runtime_, client->write_all(endless, soon(200ms)));
  ASSERT_FALSE(stuck);
  EXPECT_EQ(stuck.error().kind, Failure::timed_out);
}

TEST_F(RealTest, ReadAndWriteWaitWithTheirOwnDeadlines) {
  auto [client, server] = pair();
  const std::string large(8 << 20, 'm');
  struct Do {
    static Task<Failure> write(Stream& s, std::string_view bytes, Deadline d) {
      auto n = co_await s.write_all(bytes, d);
      co_return n ? Failure::local : n.error().kind;
    }
    static Task<Failure> read(Stream& s, Deadline d, Runtime& r, TimePoint begun, Duration& took) {
      std::array<char, 16> buffer;
      auto n = co_await s.read_some(buffer, d);
      took = r.now() - begun;
      co_return n ? Failure::local : n.error().kind;
    }
  };
  Duration took{};
  const auto begun = runtime_->now();
  std::vector<Task<Failure>> both;
  both.push_back(Do::write(*client, large, soon(30ms)));
  both.push_back(Do::read(*client, soon(120ms), *runtime_, begun, took));
  EXPECT_EQ(run(*runtime_, when_all(std::move(both))), (std::vector<Failure>{Failure::timed_out, Failure::timed_out}));
  EXPECT_GE(took, 120ms);
}

TEST_F(RealTest, SleepersWakeInOrderOfTime) {
  std::vector<int> order;
  struct Sleeper {
    static Task<void> sleep(Runtime& runtime, Duration d, int id, std::vector<int>& order) {
      co_await runtime.sleep_until(runtime.now() + d);
      order.push_back(id);
    }
    static Task<bool> all(Runtime& runtime, std::vector<int>& order) {
      Group group;
      group.spawn(sleep(runtime, 30ms, 3, order));
      group.spawn(sleep(runtime, 10ms, 1, order));
      group.spawn(sleep(runtime, 20ms, 2, order));
      co_await group.join();
      co_return true;
    }
  };
  EXPECT_TRUE(run(*runtime_, Sleeper::all(*runtime_, order)));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(RealTest, AGroupThatDiesEndsWhatStillWaits) {
  auto [client, server] = pair();
  bool resumed = false;
  struct Waiter {
    static Task<void> read(Stream& s, Deadline d, bool& resumed) {
      std::array<char, 16> buffer;
      (void)co_await s.read_some(buffer, d);
      resumed = true;
    }
    static Task<void> sleep(Runtime& r, bool& resumed) {
      co_await r.sleep_until(r.now() + 5ms);
      resumed = true;
    }
    static Task<void> accept(Listener& l, Deadline d, bool& resumed) {
      (void)co_await l.accept(d);
      resumed = true;
    }
    static Task<bool> pause(Runtime& r) {
      co_await r.sleep_until(r.now() + 20ms);
      co_return true;
    }
  };
  auto listener = listen();
  {
    Group group;
    group.spawn(Waiter::read(*client, soon(), resumed));
    group.spawn(Waiter::sleep(*runtime_, resumed));
    group.spawn(Waiter::accept(*listener, soon(), resumed));
    EXPECT_EQ(group.running(), 3u);
  }
  ASSERT_TRUE(write(*server, "nobody reads this"));
  EXPECT_TRUE(run(*runtime_, Waiter::pause(*runtime_)));
  EXPECT_FALSE(resumed);
  EXPECT_EQ(read(*client).value(), "nobody reads this");
}

TEST_F(RealTest, AGroupLetsGoOfWhatHasEnded) {
  struct Marker {
    int& alive;
    explicit Marker(int& count) : alive(count) { ++alive; }
    Marker(Marker&& other) noexcept : alive(other.alive) { ++alive; }
    ~Marker() { --alive; }
  };
  struct Sessions {
    static Task<void> end_at_once(Marker) { co_return; }
    static Task<void> wait(Runtime& r, Marker) { co_await r.sleep_until(r.now() + 1h); }
  };
  int waiting = 0, ended = 0;
  {
    Group group;
    // Many that stay: one that comes and goes must not cost a walk past all of them.
    for (int i = 0; i < 20'000; ++i) group.spawn(Sessions::wait(*runtime_, Marker(waiting)));
    for (int i = 0; i < 20'000; ++i) {
      group.spawn(Sessions::end_at_once(Marker(ended)));
      ASSERT_LE(ended, 2);
    }
    EXPECT_EQ(group.running(), 20'000u);
    EXPECT_EQ(waiting, 20'000);
  }
  EXPECT_EQ(waiting, 0);
  EXPECT_EQ(ended, 0);
}

TEST_F(RealTest, AGroupThrowsWhatATaskThrew) {
  struct Thrower {
    static Task<void> now() {
      throw std::runtime_error("no");
      co_return;
    }
    static Task<bool> all() {
      Group group;
      group.spawn(now());
      co_await group.join();
      co_return true;
    }
  };
  EXPECT_THROW(run(*runtime_, Thrower::all()), std::runtime_error);
}

TEST_F(RealTest, ManyAcceptorsShareAListener) {
  auto listener = listen();
  int greeted = 0;
  struct Server {
    static Task<void> serve(Listener& listener, int& greeted, Deadline deadline) {
      for (;;) {
        auto stream = co_await listener.accept(deadline);
        if (!stream) co_return;
        (void)co_await (*stream)->write_all("220\r\n", deadline);
        ++greeted;
      }
    }
    static Task<bool> client(Connector& connector, Endpoint to, Deadline deadline) {
      ConnectRequest request{to, "", {}};
      auto stream = co_await connector.connect(request, deadline);
      if (!stream) co_return false;
      std::array<char, 16> buffer;
      auto n = co_await (*stream)->read_some(buffer, deadline);
      co_return n.has_value();
    }
    static Task<bool> all(Listener& listener, Connector& connector, int& greeted, Deadline deadline) {
      Group servers;
      for (int i = 0; i < 4; ++i) servers.spawn(serve(listener, greeted, deadline));
      std::vector<Task<bool>> clients;
      for (int i = 0; i < 40; ++i) clients.push_back(client(connector, listener.local(), deadline));
      auto seen = co_await when_all(std::move(clients));
      listener.close();
      co_await servers.join();
      for (const bool one : seen)
        if (!one) co_return false;
      co_return true;
    }
  };
  EXPECT_TRUE(run(*runtime_, Server::all(*listener, *connector_, greeted, soon())));
  EXPECT_EQ(greeted, 40);
}

TEST_F(RealTest, ATakenPortIsAnError) {
  auto listener = listen();
  auto second = listen_tcp(*runtime_, listener->local());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::system);
}

TEST(RealRuntime, TheWallClockCanBeFixed) {
  const auto then = WallTime(std::chrono::seconds(1'700'000'000));
  auto runtime = make_runtime(then);
  EXPECT_EQ(runtime->wall(), then);
  auto open = make_runtime();
  EXPECT_LT(std::chrono::abs(open->wall() - std::chrono::system_clock::now()), 5s);
}

// --- UDP and foreign descriptors ---

Task<bool> answer_udp(UdpListener& listener, int datagrams, Deadline deadline) {
  for (int i = 0; i < datagrams; ++i) {
    auto query = co_await listener.receive(deadline);
    if (!query) co_return false;
    listener.send(query->from, "forged");
    listener.send(query->from, query->bytes + " answered");
  }
  co_return true;
}

Task<bool> expect_answer(Datagrams& datagrams, DatagramRequest request, std::string want, Deadline deadline) {
  auto answer = co_await datagrams.exchange(request, deadline);
  co_return answer && *answer == want;
}

TEST_F(RealTest, UdpTakesTheAcceptableAnswer) {
  auto server = *listen_udp(*runtime_, {loopback, 0});
  auto datagrams = make_datagrams(*runtime_);
  DatagramRequest first{server->local(), "one", {}, {}};
  DatagramRequest checked{server->local(), "two", {}, [](std::string_view s) { return s.starts_with("two"); }};
  std::vector<Task<bool>> all;
  all.push_back(answer_udp(*server, 2, soon()));
  all.push_back(expect_answer(*datagrams, first, "forged", soon()));
  all.push_back(expect_answer(*datagrams, checked, "two answered", soon()));
  EXPECT_EQ(run(*runtime_, when_all(std::move(all))), (std::vector<bool>{true, true, true}));
}

TEST_F(RealTest, UdpSilenceAndUdpRefusal) {
  auto server = *listen_udp(*runtime_, {loopback, 0});
  auto datagrams = make_datagrams(*runtime_);
  DatagramRequest request{server->local(), "?", {}, {}};
  auto silent = run(*runtime_, datagrams->exchange(request, soon(30ms)));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().kind, Failure::timed_out);
  server->close();
  auto refused = run(*runtime_, datagrams->exchange(request, soon()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Failure::refused);
}

TEST_F(RealTest, ForeignDescriptorWakesAllItsWaiters) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  auto readiness = make_readiness(*runtime_, ends[0]);
  EXPECT_FALSE(run(*runtime_, readiness->wait_readable(soon(20ms))));
  struct Writer {
    static Task<bool> later(Runtime& r, int fd) {
      co_await r.sleep_until(r.now() + 10ms);
      co_return ::write(fd, "x", 1) == 1;
    }
  };
  std::vector<Task<bool>> all;
  for (int i = 0; i < 3; ++i) all.push_back(readiness->wait_readable(soon()));
  all.push_back(Writer::later(*runtime_, ends[1]));
  EXPECT_EQ(run(*runtime_, when_all(std::move(all))), (std::vector<bool>{true, true, true, true}));
  EXPECT_TRUE(run(*runtime_, readiness->wait_readable(soon())));  // still unread
  readiness.reset();
  EXPECT_EQ(::write(ends[0], "y", 1), 1);  // was not closed
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace smtpdx::io
