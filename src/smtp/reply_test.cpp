// SPDX-License-Identifier: Apache-2.0
#include "smtp/reply.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace smtpdx::smtp {
namespace {

Reply read(std::string_view octets) {
  ReplyParser parser;
  EXPECT_EQ(parser.feed(octets), octets.size());
  EXPECT_FALSE(parser.error()) << to_string(*parser.error());
  EXPECT_TRUE(parser.complete());
  return parser.complete() ? parser.take() : Reply{};
}

std::optional<ReplyError> error_of(std::string_view octets) {
  ReplyParser parser;
  parser.feed(octets);
  return parser.error();
}

std::string status_of(const std::optional<Reply>& reply) {
  return reply && reply->status ? reply->status->to_string() : "none";
}

TEST(ReplyParser, ReadsOneLine) {
  auto reply = read("250 2.1.0 Ok\r\n");
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(status_of(reply), "2.1.0");
  EXPECT_EQ(reply.lines, std::vector<std::string>{"2.1.0 Ok"});
  EXPECT_EQ(reply.text(), "Ok");
  EXPECT_EQ(reply.to_string(), "250 2.1.0 Ok");
}

TEST(ReplyParser, ReadsManyLinesAndDropsRepeatedStatus) {
  auto reply = read("550-5.7.26 This mail\r\n550-5.7.26  has been\r\n550 5.7.26 blocked.\r\n");
  EXPECT_EQ(reply.lines.size(), 3u);
  EXPECT_EQ(reply.text(), "This mail has been blocked.");
  EXPECT_EQ(reply.to_string(), "550 5.7.26 This mail has been blocked.");
}

TEST(ReplyParser, ToleratesFieldPractice) {
  EXPECT_EQ(read("250\r\n").code, 250);
  EXPECT_EQ(read("250 \n").code, 250);
  EXPECT_EQ(read("250-one\n250 two\n").text(), "one two");
  EXPECT_EQ(read("250-\r\n250\r\n").lines.size(), 2u);
  EXPECT_EQ(read("571\tno\r\n").text(), "no");
  EXPECT_EQ(read("250 twice\r\r\n").text(), "twice");
}

TEST(ReplyParser, KeepsOctetsAsTheyCame) {
  std::string line("220 \xE4\x00\xFF x\r y\r\n", 14);
  ReplyParser parser;
  EXPECT_EQ(parser.feed(line), line.size());
  ASSERT_EQ(parser.raw_lines().size(), 1u);
  EXPECT_EQ(parser.raw_lines()[0], line.substr(0, 12));
  EXPECT_EQ(parser.take().lines[0], line.substr(4, 8));
}

TEST(ReplyParser, OneOctetAtATimeGivesTheSame) {
  std::string octets = "250-mx.example.org\r\n250-PIPELINING\r\n250 SIZE 10\r\n";
  ReplyParser parser;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    EXPECT_FALSE(parser.complete()) << i;
    EXPECT_EQ(parser.feed(std::string_view(octets).substr(i, 1)), 1u);
  }
  ASSERT_TRUE(parser.complete());
  auto reply = parser.take();
  auto whole = read(octets);
  EXPECT_EQ(reply.lines, whole.lines);
  EXPECT_EQ(reply.code, whole.code);
}

TEST(ReplyParser, StopsAfterOneReply) {
  ReplyParser parser;
  std::string_view octets = "250 one\r\n554 two\r\n";
  EXPECT_EQ(parser.feed(octets), 9u);
  EXPECT_EQ(parser.feed(octets.substr(9)), 0u);  // the first waits to be taken
  EXPECT_EQ(parser.take().code, 250);
  EXPECT_EQ(parser.feed(octets.substr(9)), 9u);
  EXPECT_EQ(parser.take().code, 554);
}

TEST(ReplyParser, GivesUpWhereTheEndIsUncertain) {
  EXPECT_EQ(error_of("hello\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("25\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of(" 250 ok\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("2500 ok\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("150 wait\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("650 what\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("250-a\r\n251 b\r\n"), ReplyError::code_changed);
  EXPECT_EQ(error_of("250-a\r\nb\r\n"), ReplyError::bad_code);
  EXPECT_EQ(error_of("250-ok\r\n250-"), std::nullopt);
}

TEST(ReplyParser, DeadAfterAnError) {
  ReplyParser parser;
  EXPECT_EQ(parser.feed("nonsense\r\n250 ok\r\n"), 10u);
  EXPECT_EQ(parser.raw_lines().back(), "nonsense");
  EXPECT_EQ(parser.feed("250 ok\r\n"), 0u);
  EXPECT_FALSE(parser.complete());
}

TEST(ReplyParser, LimitsOfALine) {
  std::string longest = "250 " + std::string(ReplyParser::most_octets_a_line - 5, 'x');
  EXPECT_EQ(read(longest + "\r\n").lines[0].size(), longest.size() - 4);
  EXPECT_EQ(error_of(longest + "xx\r\n"), ReplyError::line_too_long);
  ReplyParser endless;
  std::size_t fed = 0;
  while (!endless.error() && fed < 1'000'000) fed += endless.feed(std::string(1000, 'a'));
  EXPECT_EQ(endless.error(), ReplyError::line_too_long);
  EXPECT_LE(fed, 6000u);
  EXPECT_LE(endless.partial().size(), ReplyParser::most_octets_a_line);
}

TEST(ReplyParser, LimitsOfAReply) {
  std::string many;
  for (int i = 0; i < 199; ++i) many += "250-x\r\n";
  EXPECT_EQ(read(many + "250 x\r\n").lines.size(), 200u);
  EXPECT_EQ(error_of(many + "250-x\r\n250 x\r\n"), ReplyError::too_many_lines);
  std::string ten_thousand;
  for (int i = 0; i < 10'000; ++i) ten_thousand += "220-x\r\n";
  ReplyParser parser;
  EXPECT_LT(parser.feed(ten_thousand), 202 * 7u);
  EXPECT_EQ(parser.error(), ReplyError::too_many_lines);
  std::string fat;
  for (int i = 0; i < 40; ++i) fat += "250-" + std::string(2000, 'x') + "\r\n";
  EXPECT_EQ(error_of(fat), ReplyError::too_many_lines);
}

TEST(ReplyStatus, CountsOnlyWhereTheClassAgrees) {
  EXPECT_EQ(status_of(read("550 4.7.1 odd\r\n")), "none");
  EXPECT_EQ(read("550 4.7.1 odd\r\n").text(), "4.7.1 odd");
  EXPECT_EQ(status_of(read("550 5.7.1\r\n")), "5.7.1");
  EXPECT_EQ(status_of(read("550 5.7.1: no\r\n")), "5.7.1");
  EXPECT_EQ(status_of(read("550 #5.1.0 Address rejected\r\n")), "5.1.0");
  EXPECT_EQ(status_of(read("550 5.7.1.2 is listed\r\n")), "none");
  EXPECT_EQ(status_of(read("550 5.7.1a\r\n")), "none");
  EXPECT_EQ(status_of(read("550 5.7.1000 x\r\n")), "none");
  EXPECT_EQ(status_of(read("250 ok 2.0.0\r\n")), "none");
  EXPECT_EQ(status_of(read("553 sorry, not in my rcpthosts (#5.7.1)\r\n")), "5.7.1");
  EXPECT_EQ(status_of(read("553 sorry (#4.7.1)\r\n")), "none");
  EXPECT_EQ(read("553 sorry (#5.7.1)\r\n").to_string(), "553 sorry (#5.7.1)");
}

TEST(ReplyStatus, RangeWordsAreNotCut) {
  auto reply = read("451 4.7.500-699 (ASxxx) slow down\r\n");
  EXPECT_EQ(status_of(reply), "4.7.500");
  EXPECT_EQ(reply.text(), "4.7.500-699 (ASxxx) slow down");
  EXPECT_EQ(reply.to_string(), "451 4.7.500-699 (ASxxx) slow down");
}

TEST(ReplyStatus, ParseTakesTheWholeText) {
  EXPECT_EQ(EnhancedStatus::parse("5.7.367")->detail, 367);
  for (auto bad : {"", "5", "5.7", "5.7.", "5.7.1 ", "5.7.1:", "#5.7.1", "3.7.1", "5..1", "5.7.1.1", " 5.7.1"}) {
    EXPECT_FALSE(EnhancedStatus::parse(bad)) << bad;
  }
}

TEST(ParseReplyLine, ReadsWhatPeoplePaste) {
  struct Row {
    const char* pasted;
    int code;
    const char* status;
    const char* text;
  };
  const Row rows[] = {
      {"550 5.7.367 Remote server returned not permitted to relay", 550, "5.7.367",
       "Remote server returned not permitted to relay"},
      {"554-5.7.1 <x@y.example>: Relay access denied", 554, "5.7.1", "<x@y.example>: Relay access denied"},
      {"550 #5.1.0 Address rejected.", 550, "5.1.0", "Address rejected."},
      {"#5.7.1 smtp;554 Relay denied", 554, "5.7.1", "Relay denied"},
      {"smtp; 550 5.7.1 Unable to relay", 550, "5.7.1", "Unable to relay"},
      {"#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##", 550, "5.1.1", "RESOLVER.ADR.RecipNotFound; not found ##"},
      {"  '550 5.7.1 Unable to relay'  ", 550, "5.7.1", "Unable to relay"},
      {"<550 no>", 550, "none", "no"},
      {"5.7.1 550 turned round", 550, "5.7.1", "turned round"},
      {"4.7.1 550 other class", 550, "none", "other class"},
      {"550", 550, "none", ""},
      {"550: relay denied", 550, "none", "relay denied"},
      {"550-5.7.26 one\n550-5.7.26 two\r\n550 5.7.26 three", 550, "5.7.26", "one two three"},
      {"550-5.7.26 one 550-5.7.26 two 550 5.7.26 three 550 four", 550, "5.7.26", "one two three 550 four"},
      {"550 5.7.1 one line\n  folded when pasted", 550, "5.7.1", "one line folded when pasted"},
      {"451 Open relay not allowed", 451, "none", "Open relay not allowed"},
  };
  for (const auto& row : rows) {
    auto reply = parse_reply_line(row.pasted);
    ASSERT_TRUE(reply) << row.pasted;
    EXPECT_EQ(reply->code, row.code) << row.pasted;
    EXPECT_EQ(status_of(reply), row.status) << row.pasted;
    EXPECT_EQ(reply->text(), row.text) << row.pasted;
  }
}

TEST(ParseReplyLine, KeepsItsLimitWhenOneLineJoinsMany) {  // found by fuzz_reply
  std::string joined;
  for (std::size_t i = 0; i < 2 * ReplyParser::most_lines; ++i) joined += "250-x ";
  auto reply = parse_reply_line("250-a\n" + joined + "\n" + joined);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->lines.size(), ReplyParser::most_lines);
}

TEST(ParseReplyLine, FindsNothingWhereThereIsNone) {
  for (auto text :
       {"", "   ", "Relay access denied", "5.7.1 Unable to relay", "203.0.113.7 said no", "2024-11-24 10:00", "5501 x",
        "550abc", "587/tcp open", "150 wait", "said: 550 no", "smtp;", "#", "\"", "smtp; 250.7"}) {
    EXPECT_FALSE(parse_reply_line(text)) << text;
  }
}

TEST(ParseReplyLine, ReadsEveryRelayLineOfTheCorpus) {
  std::ifstream file(SMTPDX_SOURCE_DIR "/../shared/corpus/bounces/relay-lines.txt");
  if (!file) GTEST_SKIP() << "no corpus beside the source tree";
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    auto reply = parse_reply_line(line);
    ASSERT_TRUE(reply) << line;
    EXPECT_EQ(std::to_string(reply->code), line.substr(0, 3));
    bool has_status = line.size() > 6 && line[5] == '.' && line[4] == line[0];
    EXPECT_EQ(reply->status.has_value(), has_status || line.find("(#5.7.1)") != std::string::npos) << line;
  }
  EXPECT_GT(lines, 40);
}

TEST(Phases, WordsGoBothWays) {
  for (int i = 0; i <= static_cast<int>(Phase::end_of_data); ++i) {
    auto phase = static_cast<Phase>(i);
    EXPECT_EQ(phase_from(to_string(phase)), phase);
  }
  EXPECT_FALSE(phase_from("greeting"));
}

}  // namespace
}  // namespace smtpdx::smtp
