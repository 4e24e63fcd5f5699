// SPDX-License-Identifier: Apache-2.0
#include "io/door.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "base/address_policy.hpp"
#include "io/door_messages.hpp"
#include "io/doorkeeper.hpp"
#include "io/group.hpp"
#include "io/listener.hpp"
#include "io/pipe.hpp"

namespace smtpdx::io {
namespace {

const IpAddress loopback = *IpAddress::parse("127.0.0.1");

std::size_t open_descriptors() {
  using Each = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Each("/proc/self/fd"), Each()));
}

class DoorTest : public testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = make_runtime();
  FdPair pair_ = std::move(*socket_pair(PipeKind::messages));
  std::vector<DoorVisit> visits_;
  std::vector<std::string> hosts_;
  std::optional<std::string> refusal_;
  std::optional<AddressPolicy> address_law_;
  std::optional<Doorkeeper::End> end_;
  std::unique_ptr<Doorkeeper> keeper_;
  Door door_;
  Group group_;

  void open(DoorLimits limits = {}) {
    serve(limits);
    door_ = make_door(*runtime_, pair_.theirs.release(), *make_tls_client({}));
  }
  void serve(DoorLimits limits = {}) {
    auto policy = [this](const DoorVisit& visit) {
      visits_.push_back(visit);
      hosts_.emplace_back(visit.host);
      return address_law_ ? address_law_->objection(visit.to.address) : refusal_;
    };
    keeper_ = std::make_unique<Doorkeeper>(*runtime_, std::move(pair_.ours), policy, limits);
    group_.spawn(keep());
  }
  Task<void> keep() { end_ = co_await keeper_->serve(soon(20s)); }
  Deadline soon(Duration d = 5s) { return runtime_->deadline_in(d); }
  void settle(Duration d = 20ms) { run(*runtime_, pause(d)); }
  Task<int> pause(Duration d) {
    co_await runtime_->sleep_until(runtime_->now() + d);
    co_return 0;
  }
  IoResult<std::unique_ptr<Stream>> connect(Endpoint to, Duration limit = 5s) {
    ConnectRequest request{to, "mx.example.org", {}};
    return run(*runtime_, door_.connector->connect(request, soon(limit)));
  }
  /// What a process says that does not keep to the form.
  Doorkeeper::End end_after(std::string_view message) {
    serve();
    EXPECT_EQ(::send(pair_.theirs.get(), message.data(), message.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(message.size()));
    settle();
    return end_.value_or(Doorkeeper::End::timed_out);
  }
};

TEST_F(DoorTest, ConnectionIsHandedOver) {
  open();
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  auto stream = connect(listener->local());
  ASSERT_TRUE(stream) << stream.error().text;
  auto server = *run(*runtime_, listener->accept(soon()));
  ASSERT_TRUE(run(*runtime_, server->write_all("220 hello\r\n", soon())));
  std::array<char, 64> buffer;
  auto n = run(*runtime_, (*stream)->read_some(buffer, soon()));
  EXPECT_EQ(std::string_view(buffer.data(), n.value()), "220 hello\r\n");
  EXPECT_EQ((*stream)->local(), server->peer());
  EXPECT_EQ((*stream)->peer(), listener->local());
  ASSERT_EQ(visits_.size(), 1u);
  EXPECT_EQ(visits_[0].to, listener->local());
  EXPECT_EQ(hosts_[0], "mx.example.org");
  EXPECT_EQ(keeper_->handed_over(), 1u);
  // The keeper holds no copy: our close is the end of the connection.
  (*stream)->close();
  n = run(*runtime_, server->read_some(buffer, soon()));
  EXPECT_EQ(n.error().kind, Failure::closed);
}

TEST_F(DoorTest, WhatThePolicyRefusesIsNeverTouched) {
  open();
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  refusal_ = "127.0.0.1 is this computer itself";
  auto stream = connect(listener->local());
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Failure::not_permitted);
  EXPECT_EQ(stream.error().text, "127.0.0.1 is this computer itself");
  EXPECT_FALSE(run(*runtime_, listener->accept(soon(30ms))));
  EXPECT_EQ(keeper_->refused(), 1u);
  EXPECT_EQ(keeper_->handed_over(), 0u);
}

TEST_F(DoorTest, AddressLawAtTheDoor) {
  // A listener on every address of this machine: what is let through would be accepted.
  auto listener = *listen_tcp(*runtime_, {*IpAddress::parse("::"), 0});
  auto listener4 = listen_tcp(*runtime_, {*IpAddress::parse("0.0.0.0"), listener->local().port});
  address_law_ = AddressPolicy();
  open();
  for (const auto* text : {"127.0.0.1",
                           "127.1.2.3",
                           "0.0.0.0",
                           "10.0.0.1",
                           "172.16.0.1",
                           "192.168.0.1",
                           "100.64.0.1",
                           "169.254.169.254",
                           "224.0.0.1",
                           "255.255.255.255",
                           "240.0.0.1",
                           "198.18.0.1",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:0.0.0.0",
                           "::ffff:10.0.0.1",
                           "::ffff:169.254.169.254",
                           "::127.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::1",
                           "2002:7f00:1::1",
                           "2002:a00:1::1",
                           "fe80::1",
                           "fec0::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "ff02::1"}) {
    const auto to = Endpoint{*IpAddress::parse(text), listener->local().port};
    auto stream = connect(to);
    ASSERT_FALSE(stream) << text;
    EXPECT_EQ(stream.error().kind, Failure::not_permitted) << text << ": " << stream.error().text;
    DatagramRequest question{to, "question", {}, {}};
    auto answer = run(*runtime_, door_.datagrams->exchange(question, soon()));
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().kind, Failure::not_permitted) << text << ": " << answer.error().text;
  }
  EXPECT_FALSE(run(*runtime_, listener->accept(soon(20ms))));
  address_law_ = AddressPolicy::allowing({"127.0.0.0/8"}).value();
  EXPECT_TRUE(connect({loopback, listener->local().port}));
}

TEST_F(DoorTest, FailuresAreThoseOfAConnectorOfOnesOwn) {
  open();
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  const auto at = listener->local();
  listener.reset();
  auto refused = connect(at);
  EXPECT_EQ(refused.error().kind, Failure::refused);
  EXPECT_EQ(refused.error().text, "connection refused");
}

TEST_F(DoorTest, SilenceEndsWithTheDeadline) {
  open();
  // A listener whose queue is full answers no SYN.
  OwnedFd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(full.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  socklen_t size = sizeof any;
  ::getsockname(full.get(), reinterpret_cast<sockaddr*>(&any), &size);
  std::vector<std::unique_ptr<Stream>> held;
  const Endpoint at{loopback, ntohs(any.sin_port)};
  for (int i = 0; i < 8; ++i) {
    auto stream = connect(at, 100ms);
    if (stream) {
      held.push_back(std::move(*stream));
      continue;
    }
    EXPECT_EQ(stream.error().kind, Failure::timed_out);
    return;
  }
  FAIL() << "the queue never filled";
}

TEST_F(DoorTest, QuestionsByUdp) {
  open();
  auto listener = *listen_udp(*runtime_, {loopback, 0});
  std::vector<Endpoint> from;
  auto answer = [&]() -> Task<void> {
    for (int i = 0; i < 20; ++i) {
      auto got = co_await listener->receive(soon());
      if (!got) co_return;
      from.push_back(got->from);
      listener->send(got->from, "re: " + got->bytes);
    }
  };
  group_.spawn(answer());
  std::vector<Task<IoResult<std::string>>> questions;
  for (int i = 0; i < 20; ++i) {
    DatagramRequest request;
    request.to = listener->local();
    request.payload = std::to_string(i);
    questions.push_back(door_.datagrams->exchange(request, soon()));
  }
  auto answers = run(*runtime_, when_all(std::move(questions)));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].value(), "re: " + std::to_string(i));
  std::ranges::sort(from);
  EXPECT_EQ(std::unique(from.begin(), from.end()), from.end()) << "each question from a port of its own";
  EXPECT_EQ(visits_[0].transport, DoorVisit::Transport::udp);
}

TEST_F(DoorTest, ShareOfAMinuteAndOfALife) {
  DoorLimits limits;
  limits.per_minute = 3;
  open(limits);
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(connect(listener->local()));
  auto fourth = connect(listener->local());
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error().kind, Failure::not_permitted);
  EXPECT_EQ(fourth.error().text, "more than 3 connections a minute");
}

TEST_F(DoorTest, WhoGoesOnAskingIsShutOut) {
  DoorLimits limits;
  limits.in_all = 2;
  open(limits);
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(connect(listener->local()));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(connect(listener->local()).error().kind, Failure::not_permitted);
  EXPECT_EQ(connect(listener->local()).error().kind, Failure::local);
  EXPECT_EQ(end_, Doorkeeper::End::misbehaved);
}

TEST_F(DoorTest, WhoDoesNotReadAnswersIsShutOut) {
  DoorLimits limits;
  limits.at_once = 4;
  serve(limits);
  refusal_ = std::string(400, 'x');
  door::Request request;
  request.to = {loopback, 25};
  const auto message = door::encode(request);
  for (int i = 0; i < 3000 && !end_; ++i) {
    ::send(pair_.theirs.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (i % 8 == 0) settle(1ms);
  }
  settle();
  EXPECT_EQ(end_, Doorkeeper::End::misbehaved);
}

TEST_F(DoorTest, NonsenseEndsTheService) { EXPECT_EQ(end_after("open sesame"), Doorkeeper::End::misbehaved); }

TEST_F(DoorTest, TooLongAMessageEndsTheService) {
  EXPECT_EQ(end_after(std::string(5000, '\0')), Doorkeeper::End::misbehaved);
}

TEST_F(DoorTest, DescriptorsSentToTheKeeperAreDropped) {
  open();
  settle();
  const auto before = open_descriptors();
  door::Request request;
  request.to = {loopback, 1};
  auto message = door::encode(request);
  auto pair = *socket_pair(PipeKind::messages);
  Doorkeeper second(*runtime_, std::move(pair.ours), [](const DoorVisit&) { return "no"; });
  auto keep = [&]() -> Task<void> { co_await second.serve(soon()); };
  group_.spawn(keep());
  const int precious = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{message.data(), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  auto* first = CMSG_FIRSTHDR(&header);
  *first = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  std::memcpy(CMSG_DATA(first), &precious, sizeof precious);
  ASSERT_GE(::sendmsg(pair.theirs.get(), &header, 0), 0);
  settle();
  EXPECT_EQ(second.refused(), 1u);
  EXPECT_EQ(open_descriptors(), before + 2);  // the pair
}

TEST_F(DoorTest, KeeperGoneIsOurOwnFailure) {
  open();
  pair_.ours = OwnedFd();
  keeper_.reset();
  auto other = *socket_pair(PipeKind::messages);
  auto door = make_door(*runtime_, other.theirs.release(), nullptr);
  other.ours = OwnedFd();
  ConnectRequest request{{loopback, 25}, "", {}};
  for (int i = 0; i < 2; ++i) {
    auto stream = run(*runtime_, door.connector->connect(request, soon()));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().kind, Failure::local);
    EXPECT_TRUE(stream.error().text.starts_with("the doorkeeper is gone")) << stream.error().text;
  }
}

TEST_F(DoorTest, UnknownAnswersAndNonsenseFromTheKeeper) {
  auto pair = *socket_pair(PipeKind::messages);
  auto door = make_door(*runtime_, pair.theirs.release(), nullptr);
  const auto before = open_descriptors();
  const auto unknown = door::encode(door::Reply{77, IoFailure{Failure::refused, "not yours"}});
  ASSERT_GT(::send(pair.ours.get(), unknown.data(), unknown.size(), 0), 0);
  ConnectRequest request{{loopback, 25}, "", {}};
  auto waited = run(*runtime_, door.connector->connect(request, soon(30ms)));
  EXPECT_EQ(waited.error().kind, Failure::timed_out);
  ASSERT_GT(::send(pair.ours.get(), "?", 1, 0), 0);
  auto broken = run(*runtime_, door.connector->connect(request, soon()));
  EXPECT_EQ(broken.error().kind, Failure::local);
  EXPECT_EQ(open_descriptors(), before - 1);
}

TEST_F(DoorTest, AbandonedRequestsLeaveNothingBehind) {
  open();
  auto listener = *listen_tcp(*runtime_, {loopback, 0});
  {
    Group abandoned;
    auto one = [&]() -> Task<void> {
      ConnectRequest request{listener->local(), "", {}};
      auto stream = co_await door_.connector->connect(request, soon());
      ADD_FAILURE() << "nobody waits for this";
    };
    for (int i = 0; i < 5; ++i) abandoned.spawn(one());
  }
  const auto before = open_descriptors();
  auto stream = connect(listener->local());
  ASSERT_TRUE(stream);
  stream->reset();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(run(*runtime_, listener->accept(soon())));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(DoorMessagesTest, WhatIsWrittenIsRead) {
  door::Request request;
  request.id = 0xFEDCBA98;
  request.transport = door::Transport::udp;
  request.to = {*IpAddress::parse("2001:db8::25"), 465};
  request.source = *IpAddress::parse("192.0.2.7");
  request.host = "mx.example.org";
  request.patience = 12'345ms;
  auto read = door::decode_request(door::encode(request));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, request.id);
  EXPECT_EQ(read->transport, request.transport);
  EXPECT_EQ(read->to, request.to);
  EXPECT_EQ(read->source, request.source);
  EXPECT_EQ(read->host, request.host);
  EXPECT_EQ(read->patience, request.patience);
  auto reply = door::decode_reply(door::encode(door::Reply{7, IoFailure{Failure::tls, "a\x1b[31m"}}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id, 7u);
  EXPECT_EQ(reply->failure->kind, Failure::tls);
  EXPECT_EQ(reply->failure->text, "a\\x1b[31m");
  EXPECT_FALSE(door::decode_reply(door::encode(door::Reply{7, {}}))->failure);
}

TEST(DoorMessagesTest, NothingButTheFormIsRead) {
  door::Request request;
  request.to = {loopback, 25};
  request.host = "example.org";
  const auto good = door::encode(request);
  ASSERT_TRUE(door::decode_request(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(door::decode_request(good.substr(0, size))) << size;
  EXPECT_FALSE(door::decode_request(good + "x"));
  for (const std::size_t at : {4u, 5u, 6u, 7u}) {  // kind, family, family, zero
    auto bad = good;
    bad[at] = 9;
    EXPECT_FALSE(door::decode_request(bad)) << at;
  }
  auto none = good;
  none[5] = 0;
  EXPECT_FALSE(door::decode_request(none));
  const auto reply = door::encode(door::Reply{1, IoFailure{Failure::tls, "words"}});
  for (std::size_t size = 0; size < reply.size(); ++size)
    EXPECT_FALSE(door::decode_reply(reply.substr(0, size))) << size;
  auto bad = reply;
  bad[4] = 100;
  EXPECT_FALSE(door::decode_reply(bad));
}

}  // namespace
}  // namespace smtpdx::io
