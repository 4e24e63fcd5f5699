// SPDX-License-Identifier: Apache-2.0
#include "seal/frames.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "io/group.hpp"
#include "io/real.hpp"

namespace smtpdx::seal {
namespace {

class FramesTest : public testing::Test {
 protected:
  std::unique_ptr<io::Runtime> runtime_ = io::make_runtime();
  io::FdPair pair_ = std::move(*io::socket_pair(io::PipeKind::stream));
  int raw_ = pair_.theirs.get();
  Frames ours_{*runtime_, std::move(pair_.ours), 1 << 20};

  Deadline soon(Duration d = 5s) { return runtime_->deadline_in(d); }
  Frames theirs() { return {*runtime_, std::move(pair_.theirs), 1 << 20}; }
};

TEST_F(FramesTest, WholeMessagesBothWays) {
  auto other = theirs();
  const std::string large(700'000, 'x');
  auto send = [&]() -> io::Task<void> {
    EXPECT_TRUE(co_await ours_.send(1, "one", soon()));
    EXPECT_TRUE(co_await ours_.send(2, "", soon()));
    EXPECT_TRUE(co_await ours_.send(255, large, soon()));
  };
  io::Group group;
  group.spawn(send());
  auto one = io::run(*runtime_, other.receive(soon()));
  EXPECT_EQ(one->type, 1);
  EXPECT_EQ(one->bytes, "one");
  EXPECT_EQ(io::run(*runtime_, other.receive(soon()))->type, 2);
  auto third = io::run(*runtime_, other.receive(soon()));
  EXPECT_EQ(third->type, 255);
  EXPECT_EQ(third->bytes, large);
  ASSERT_TRUE(io::run(*runtime_, other.send(9, "back", soon())));
  EXPECT_EQ(io::run(*runtime_, ours_.receive(soon()))->bytes, "back");
}

TEST_F(FramesTest, ManySendersAndOneThatIsAbandoned) {
  auto other = theirs();
  std::string large(300'000, 'a');
  auto send = [&](std::uint8_t type) -> io::Task<void> { co_await ours_.send(type, large, soon()); };
  io::Group group;
  {
    io::Group abandoned;
    abandoned.spawn(send(1));
    abandoned.spawn(send(2));
  }
  for (std::uint8_t type = 3; type < 10; ++type) group.spawn(send(type));
  for (std::uint8_t type = 1; type < 10; ++type) {
    auto frame = io::run(*runtime_, other.receive(soon()));
    ASSERT_TRUE(frame) << frame.error().text;
    EXPECT_EQ(frame->type, type);
    EXPECT_EQ(frame->bytes, large);
  }
}

TEST_F(FramesTest, WhoDoesNotReadMakesTheSenderWait) {
  const std::string large(1 << 20, 'x');
  auto sent = io::run(*runtime_, ours_.send(1, large, soon(50ms)));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, io::Failure::timed_out);
}

TEST_F(FramesTest, TooLongIsRefusedOnBothSides) {
  auto sent = io::run(*runtime_, ours_.send(1, std::string((1 << 20) + 1, 'x'), soon()));
  EXPECT_EQ(sent.error().kind, io::Failure::not_permitted);
  ASSERT_EQ(::send(raw_, "\x01\xff\xff\xff\xff", 5, 0), 5);
  auto got = io::run(*runtime_, ours_.receive(soon()));
  EXPECT_EQ(got.error().kind, io::Failure::not_permitted);
  EXPECT_EQ(got.error().text, "a message of 4294967295 octets, at most 1048576 are agreed upon");
  EXPECT_EQ(io::run(*runtime_, ours_.receive(soon())).error().kind, io::Failure::not_permitted);
}

TEST_F(FramesTest, EndsBetweenAndWithinMessages) {
  ASSERT_EQ(::send(raw_, "\x01\0\0\0\x01x\x02\0\0\0\x05half", 15, 0), 15);
  EXPECT_EQ(io::run(*runtime_, ours_.receive(soon()))->bytes, "x");
  EXPECT_EQ(io::run(*runtime_, ours_.receive(soon(20ms))).error().kind, io::Failure::timed_out);
  pair_.theirs = io::OwnedFd();
  EXPECT_EQ(io::run(*runtime_, ours_.receive(soon())).error().kind, io::Failure::reset);
  auto fresh = *io::socket_pair(io::PipeKind::stream);
  Frames frames(*runtime_, std::move(fresh.ours), 100);
  fresh.theirs = io::OwnedFd();
  EXPECT_EQ(io::run(*runtime_, frames.receive(soon())).error().kind, io::Failure::closed);
  EXPECT_FALSE(io::run(*runtime_, frames.send(1, "x", soon())));
}

TEST_F(FramesTest, CutAnywhere) {
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += std::string("\x07\0\0\0\x04", 5) + "body";
  auto write = [&]() -> io::Task<void> {
    for (std::size_t at = 0, step = 1; at < bytes.size(); at += step, step = step % 7 + 1) {
      const auto part = bytes.substr(at, step);
      ::send(raw_, part.data(), part.size(), 0);
      co_await runtime_->sleep_until(runtime_->now());
    }
  };
  io::Group group;
  group.spawn(write());
  for (int i = 0; i < 50; ++i) {
    auto frame = io::run(*runtime_, ours_.receive(soon()));
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, 7);
    EXPECT_EQ(frame->bytes, "body");
  }
}

}  // namespace
}  // namespace smtpdx::seal
