// SPDX-License-Identifier: Apache-2.0
#include "trace/log.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace smtpdx::trace {
namespace {

constexpr TimePoint later{5ms};

TEST(Log, NumbersChannelsPerKind) {
  Log log;
  EXPECT_EQ(log.open("smtp", "192.0.2.1:25").id(), "smtp#1");
  EXPECT_EQ(log.open("dns", "192.0.2.53:53").id(), "dns#1");
  EXPECT_EQ(log.open("smtp", "192.0.2.2:25").id(), "smtp#2");
  EXPECT_EQ(log.channels().size(), 3U);
  ASSERT_NE(log.find("smtp#2"), nullptr);
  EXPECT_EQ(log.find("smtp#2")->peer(), "192.0.2.2:25");
  for (auto none : {"smtp#3", "smtp#0", "smtp#01", "smtp#", "smtp", "#1", "", "dns#2", "control#1"})
    EXPECT_EQ(log.find(none), nullptr) << none;
}

TEST(Log, ChannelsStayWhereTheyAre) {
  Log log;
  auto& first = log.open("smtp", "a");
  for (int i = 0; i < 1000; ++i) log.open("smtp", "b");
  EXPECT_EQ(&first, log.find("smtp#1"));
}

TEST(Log, CountsOctetsWithLineEnds) {
  Log log;
  auto& channel = log.open("smtp", "x");
  EXPECT_EQ(channel.add({}, Direction::server, "220 mx"), (Evidence{"smtp#1", 0, 8}));
  EXPECT_EQ(channel.add(later, Direction::client, "EHLO me"), (Evidence{"smtp#1", 8, 17}));
  EXPECT_EQ(channel.add(later, Direction::note, ""), (Evidence{"smtp#1", 17, 19}));
  EXPECT_EQ(channel.size(), 19U);
  ASSERT_EQ(channel.lines().size(), 3U);
  EXPECT_EQ(channel.lines()[1].text, "EHLO me");
  EXPECT_EQ(channel.lines()[1].at, later);
  EXPECT_EQ(channel.lines()[1].direction, Direction::client);
  EXPECT_FALSE(channel.truncated());
}

TEST(Log, FindsTheWordsOfEvidence) {
  Log log;
  auto& channel = log.open("smtp", "x");
  channel.add({}, Direction::server, "250-mx.example.org");
  auto second = channel.add({}, Direction::server, "250-SIZE 100");
  auto third = channel.add({}, Direction::server, "250 HELP");
  EXPECT_EQ(log.words(second), "250-SIZE 100");
  EXPECT_EQ(log.words({"smtp#1", second.from, third.to}), "250-SIZE 100\n250 HELP");
  EXPECT_EQ(log.words({"smtp#1", second.from + 4, second.from + 8}), "SIZE");
  EXPECT_EQ(log.words({"smtp#1", second.from + 9, third.from + 3}), "100\n250");
  EXPECT_EQ(log.words({"smtp#1", second.from, second.from}), "");
  EXPECT_EQ(log.words({"smtp#1", third.to, third.to + 100}), "");
  EXPECT_EQ(log.words({"smtp#9", 0, 10}), "");
  EXPECT_EQ(log.words({}), "");
}

TEST(Log, SecretsAreReplacedBeforeAnythingIsKept) {
  Log log;
  auto& early = log.open("smtp", "x");
  log.add_secret("hunter2");
  auto& late = log.open("smtp", "y?password=hunter2");
  for (auto* channel : {&early, &late}) {
    auto where = channel->add({}, Direction::server, "535 hunter2 is wrong");
    EXPECT_EQ(channel->lines()[0].text, "535 [secret] is wrong");
    EXPECT_EQ(where.to - where.from, std::string("535 [secret] is wrong").size() + 2);
    EXPECT_EQ(log.words(where), "535 [secret] is wrong");
    auto plain = base64_encode(std::string("\0al\0hunter2", 11));
    EXPECT_EQ(log.words(channel->add({}, Direction::client, "AUTH PLAIN " + plain)), "AUTH PLAIN [secret]");
  }
  EXPECT_EQ(late.peer(), "y?password=[secret]");
  EXPECT_EQ(log.redact("cannot log in with hunter2"), "cannot log in with [secret]");
}

TEST(Log, ACopyKeepsRedactingAndDoesNotDangle) {
  auto log = std::make_unique<Log>();
  log->open("smtp", "x");
  log->add_secret("hunter2");
  Log copy = *log;
  log.reset();
  copy.open("smtp", "z").add({}, Direction::server, "hunter2");
  EXPECT_EQ(copy.channels().back().lines()[0].text, "[secret]");
  EXPECT_EQ(copy.channels().back().id(), "smtp#2");
}

TEST(Log, AHostileServerFillsNoMemory) {
  Log log;
  auto& lines = log.open("smtp", "many lines");
  for (int i = 0; i < 10'000; ++i) lines.add({}, Direction::server, "x");
  EXPECT_FALSE(lines.truncated());
  auto over = lines.add({}, Direction::server, "x");
  EXPECT_TRUE(lines.truncated());
  EXPECT_EQ(lines.lines().size(), 10'000U);
  EXPECT_EQ(over, (Evidence{"smtp#1", 30'000, 30'003}));
  EXPECT_EQ(lines.size(), 30'003U);
  EXPECT_EQ(log.words(over), "");

  auto& text = log.open("smtp", "long lines");
  text.add({}, Direction::server, std::string(1024 * 1024 - 3, 'a'));
  auto cut = text.add({}, Direction::server, "bcdefg");
  EXPECT_TRUE(text.truncated());
  EXPECT_EQ(log.words(cut), "bcd");
  text.add({}, Direction::server, "h");
  EXPECT_EQ(text.lines().size(), 2U);
  EXPECT_EQ(text.size(), 1024U * 1024 - 3 + 2 + 8 + 3);
}

}  // namespace
}  // namespace smtpdx::trace
