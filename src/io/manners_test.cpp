// SPDX-License-Identifier: Apache-2.0
#include "io/manners.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "io/task.hpp"

namespace smtpdx::io {
namespace {

/// Virtual time: sleeping costs nothing.
class FakeRuntime final : public Runtime {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall() const override { return {}; }
  Task<void> sleep_until(TimePoint at) override {
    Sleep sleep{*this, at};
    co_await sleep;
  }
  void drive(const bool& done) override {
    while (!done) {
      if (sleepers_.empty()) std::abort();
      const auto first = sleepers_.begin();
      now_ = std::max(now_, first->first);
      auto handle = first->second;
      sleepers_.erase(first);
      ++events;
      handle.resume();
    }
  }
  std::size_t events = 0;

 private:
  struct Sleep {
    FakeRuntime& runtime;
    TimePoint at;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { runtime.sleepers_.emplace(at, h); }
    void await_resume() const {}
  };
  TimePoint now_{1s};
  std::multimap<TimePoint, std::coroutine_handle<>> sleepers_;
};

class NoStream final : public Stream {
 public:
  explicit NoStream(Endpoint peer) : peer_(peer) {}
  Task<IoResult<std::size_t>> read_some(std::span<char>, Deadline) override { co_return 0; }
  Task<IoResult<std::size_t>> write_all(std::string_view, Deadline) override { co_return 0; }
  Task<TlsFacts> start_tls(TlsOptions, Deadline) override { co_return TlsFacts{}; }
  bool is_tls() const override { return false; }
  Endpoint local() const override { return {}; }
  Endpoint peer() const override { return peer_; }
  void close() override {}

 private:
  Endpoint peer_;
};

/// Takes 10 ms; refuses port 1.
class FakeConnector final : public Connector {
 public:
  explicit FakeConnector(Runtime& runtime) : runtime_(runtime) {}
  Task<IoResult<std::unique_ptr<Stream>>> connect(ConnectRequest request, Deadline) override {
    ++attempts;
    co_await runtime_.sleep_until(runtime_.now() + 10ms);
    if (request.to.port == 1) co_return std::unexpected(IoFailure{Failure::refused, "connection refused"});
    co_return std::make_unique<NoStream>(request.to);
  }
  int attempts = 0;

 private:
  Runtime& runtime_;
};

class MannersTest : public testing::Test {
 protected:
  FakeRuntime runtime_;
  FakeConnector inner_{runtime_};
  const IpAddress host_ = *IpAddress::parse("192.0.2.25");
  const IpAddress other_ = *IpAddress::parse("192.0.2.26");

  IoResult<std::unique_ptr<Stream>> connect(Manners& manners, IpAddress to, std::uint16_t port = 25,
                                            Duration limit = 1s) {
    ConnectRequest request{{to, port}, "", {}};
    return run(runtime_, manners.connect(request, runtime_.deadline_in(limit)));
  }

  /// Connects, holds the stream for a while, lets it go.
  static Task<bool> visit(Manners& manners, Runtime& runtime, IpAddress to, Duration hold, int& open, int& most) {
    ConnectRequest request{{to, 25}, "", {}};
    auto stream = co_await manners.connect(request, runtime.deadline_in(20s));
    if (!stream) co_return false;
    most = std::max(most, ++open);
    co_await runtime.sleep_until(runtime.now() + hold);
    --open;
    co_return true;
  }
};

TEST_F(MannersTest, NoMoreThanTwoAtOnce) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  int open = 0;
  int most = 0;
  std::vector<Task<bool>> visits;
  for (int i = 0; i < 8; ++i) visits.push_back(visit(manners, runtime_, host_, 1s, open, most));
  const auto begun = runtime_.now();
  EXPECT_EQ(run(runtime_, when_all(std::move(visits))), std::vector<bool>(8, true));
  EXPECT_EQ(most, 2);
  EXPECT_GE(runtime_.now() - begun, 4s);
  EXPECT_LE(runtime_.now() - begun, 5s);  // a slot is taken soon after it became free
  EXPECT_LT(runtime_.events, 1000u);      // and the waiting costs little
}

TEST_F(MannersTest, OtherAddressesHaveTheirOwnSlots) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  auto a = connect(manners, host_);
  auto b = connect(manners, host_);
  auto c = connect(manners, other_);
  EXPECT_TRUE(a && b && c);
}

TEST_F(MannersTest, NoFreeSlotInTimeIsOurOwnDoing) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  auto a = connect(manners, host_);
  auto b = connect(manners, host_);
  const auto begun = runtime_.now();
  auto c = connect(manners, host_, 25, 3s);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().kind, Failure::not_permitted);
  EXPECT_NE(c.error().text.find("--i-own-this-server"), std::string::npos);
  EXPECT_EQ(runtime_.now() - begun, 3s);
  (*a)->close();
  EXPECT_TRUE(connect(manners, host_));
  b->reset();
  EXPECT_TRUE(connect(manners, host_));
}

TEST_F(MannersTest, TenConnectionsAMinute) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(connect(manners, host_)) << i;
  auto eleventh = connect(manners, host_);
  ASSERT_FALSE(eleventh);
  EXPECT_EQ(eleventh.error().kind, Failure::not_permitted);
  EXPECT_NE(eleventh.error().text.find("--i-own-this-server"), std::string::npos);
  EXPECT_EQ(inner_.attempts, 10);
  EXPECT_TRUE(connect(manners, other_));
  const auto again = manners.next_connection(host_);
  EXPECT_GT(again, runtime_.now() + 59s);
  struct Wait {
    static Task<bool> until(Runtime& r, TimePoint at) {
      co_await r.sleep_until(at);
      co_return true;
    }
  };
  EXPECT_TRUE(run(runtime_, Wait::until(runtime_, again)));
  EXPECT_TRUE(connect(manners, host_));
}

TEST_F(MannersTest, RefusedConnectionsCountButHoldNoSlot) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(connect(manners, host_, 1).error().kind, Failure::refused);
  EXPECT_EQ(connect(manners, host_).error().kind, Failure::not_permitted);
}

TEST_F(MannersTest, FifteenRefusedRecipientsAMinute) {
  Manners manners(runtime_, inner_, Ownership::foreign);
  for (int i = 0; i < 15; ++i) {
    EXPECT_TRUE(manners.may_ask_rcpt(host_)) << i;
    manners.note_refused_rcpt(host_);
  }
  EXPECT_FALSE(manners.may_ask_rcpt(host_));
  EXPECT_TRUE(manners.may_ask_rcpt(other_));
}

TEST_F(MannersTest, OnesOwnServerHasNoLimits) {
  Manners manners(runtime_, inner_, Ownership::own);
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 30; ++i) {
    auto stream = connect(manners, host_);
    ASSERT_TRUE(stream);
    streams.push_back(std::move(*stream));
    manners.note_refused_rcpt(host_);
  }
  EXPECT_TRUE(manners.may_ask_rcpt(host_));
}

TEST_F(MannersTest, StreamsMayOutliveIt) {
  std::unique_ptr<Stream> stream;
  {
    Manners manners(runtime_, inner_, Ownership::foreign);
    stream = std::move(*connect(manners, host_));
  }
  EXPECT_EQ(stream->peer().address, host_);
}

}  // namespace
}  // namespace smtpdx::io
