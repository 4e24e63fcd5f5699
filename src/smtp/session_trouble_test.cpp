// SPDX-License-Identifier: Apache-2.0
// Sessions that do not go as they should: in each phase all that a server can do instead of answering, words out of
// turn, writes that fail, and leaving.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/testing/session_fixture.hpp"

namespace smtpdx::smtp {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// ---- What servers do instead of answering

struct Broken {
  const char* name;
  const char* what;  ///< in place of the reply
  Trouble trouble;
  std::optional<io::Failure> io;
  const char* detail;
};

const Broken broken_servers[] = {
    {"close", "= close", Trouble::io, io::Failure::closed, "the connection was closed"},
    {"reset", "= reset", Trouble::io, io::Failure::reset, "the connection was reset"},
    {"silence", "= silence", Trouble::io, io::Failure::timed_out, "no reply in time"},
    {"half a line, then close", "= raw 250 almo\n= close", Trouble::io, io::Failure::closed,
     "the connection was closed after: 250 almo"},
    {"half a reply, then silence", "S: 250-one\n= silence", Trouble::io, io::Failure::timed_out,
     "no reply in time after: 250-one"},
    {"garbage",
     "= raw \\x16\\x03\\x01\\xff\\xfe\\x00\\n",
     Trouble::framing,
     {},
     "not a reply: a line without a reply code"},
    {"8-bit garbage without line end", "= repeat 10000 \\xe4\\x80", Trouble::framing, {}, "not a reply: a line longer"},
    {"HTTP", "S: HTTP/1.1 400 Bad Request\n= close", Trouble::framing, {}, "without a reply code: HTTP/1.1 400 Bad"},
    {"endless lines", "= repeat 10000 250-x\\r\\n", Trouble::framing, {}, "longer than 200 lines"},
    {"changed code", "S: 250-a\nS: 550 b", Trouble::framing, {}, "changes between its lines: 550 b"},
    {"blank line", "= raw \\r\\n", Trouble::framing, {}, "a line without a reply code"},
    {"endless slow drops", "= chop 1\n= raw 250-\n= delay 4min\n= raw a\n= delay 4min\n= raw b\n= silence", Trouble::io,
     io::Failure::timed_out, "no reply in time after: 250-"},
};

/// Brings a session to the point where `phase` is about to be asked.
std::string script_to(Phase phase) {
  std::string s;
  if (phase == Phase::connect) return s;
  s += "S: 220 mx\n";
  if (phase == Phase::ehlo) return s + "C: EHLO probe.test\n";
  s += "C: EHLO probe.test\nS: 250-mx\nS: 250-STARTTLS\nS: 250 AUTH PLAIN\n";
  if (phase == Phase::starttls) return s + "C: STARTTLS\n";
  if (phase == Phase::auth) return s + "C: AUTH PLAIN *\n";
  if (phase == Phase::mail) return s + "C: MAIL FROM:<a@probe.test>\n";
  s += "C: MAIL FROM:<a@probe.test>\nS: 250 ok\n";
  if (phase == Phase::rcpt) return s + "C: RCPT TO:<x@example.org>\n";
  s += "C: RCPT TO:<x@example.org>\nS: 250 ok\n";
  if (phase == Phase::data) return s + "C: DATA\n";
  return s + "C: DATA\nS: 354 go\nC: hi\nC: .\n";
}

class EveryPhase : public SessionTest, public ::testing::WithParamInterface<Phase> {
 protected:
  Step ask(Phase phase) {
    switch (phase) {
      case Phase::connect:
        return greeting();
      case Phase::ehlo:
        return ehlo();
      case Phase::starttls:
        return run(session_->starttls({}, soon()));
      case Phase::auth: {
        Credentials credentials;
        credentials.user = "alice";
        credentials.secret = "hunter2";
        return run(session_->auth(credentials, soon()));
      }
      case Phase::mail:
        return mail("a@probe.test");
      case Phase::rcpt:
        return rcpt("x@example.org");
      default:
        return run(session_->data("hi", soon()));
    }
  }
  /// The steps before `phase`, all of which succeed, then `phase` itself.
  Step walk_to(Phase phase) {
    static const Phase path[] = {Phase::connect, Phase::ehlo, Phase::mail, Phase::rcpt};
    bool branches = phase == Phase::starttls || phase == Phase::auth;
    for (auto before : path) {
      bool passes = branches ? before <= Phase::ehlo : before < phase;
      if (!passes) break;
      EXPECT_TRUE(ask(before).ok());
    }
    return ask(phase);
  }
  void expect_poisoned() {
    EXPECT_TRUE(session_->poisoned());
    auto writes = dialogue_->writes().size();
    auto reads = dialogue_->reads();
    auto lines = session_->channel().lines().size();
    EXPECT_EQ(mail("later@probe.test").trouble, Trouble::poisoned);
    EXPECT_EQ(run(session_->rset(soon())).trouble, Trouble::poisoned);
    EXPECT_EQ(transactions({{"", {"x@y"}}})[0].rcpts[0].trouble, Trouble::poisoned);
    EXPECT_EQ(run(session_->starttls({}, soon())).trouble, Trouble::poisoned);
    EXPECT_EQ(run(session_->auth({}, soon())).trouble, Trouble::poisoned);
    auto last = run(session_->quit(soon()));
    EXPECT_EQ(last.trouble, Trouble::poisoned);
    EXPECT_FALSE(last.evidence.channel.empty());
    EXPECT_EQ(dialogue_->writes().size(), writes);
    EXPECT_EQ(dialogue_->reads(), reads);
    EXPECT_EQ(session_->channel().lines().size(), lines);
    EXPECT_TRUE(dialogue_->closed_by_client());
  }
};

TEST_P(EveryPhase, BrokenServersAreDescribedAndPoison) {
  for (const auto& broken : broken_servers) {
    SCOPED_TRACE(broken.name);
    play(script_to(GetParam()) + broken.what);
    auto step = walk_to(GetParam());
    EXPECT_EQ(step.phase, GetParam());
    EXPECT_EQ(step.trouble, broken.trouble);
    EXPECT_FALSE(step.reply);
    EXPECT_FALSE(step.ok());
    EXPECT_EQ(step.io ? std::optional(step.io->kind) : std::nullopt, broken.io);
    EXPECT_THAT(step.detail, HasSubstr(broken.detail));
    EXPECT_THAT(log_.words(step.evidence), HasSubstr(step.detail)) << "the remark is in the trace";
    expect_poisoned();
    EXPECT_EQ(dialogue_->complaints(), "");
  }
}

TEST_P(EveryPhase, A421EndsTheSession) {
  play(script_to(GetParam()) + "S: 421-4.3.2 shutting\nS: 421 4.3.2 down\n= close");
  auto step = walk_to(GetParam());
  EXPECT_EQ(step.trouble, Trouble::none);
  ASSERT_TRUE(step.reply);
  EXPECT_EQ(step.reply->code, 421);
  auto later = mail("x");
  EXPECT_THAT(later.detail, HasSubstr("421 4.3.2 shutting down"));
  EXPECT_THAT(later.detail, HasSubstr(to_string(GetParam())));
  EXPECT_EQ(later.evidence, step.evidence);
  expect_poisoned();
}

TEST_P(EveryPhase, TimeLimitsAreThoseOfTheStandardOrShorter) {
  auto phase = GetParam();
  Duration standard = phase == Phase::data ? 2min : phase == Phase::end_of_data ? 10min : 5min;
  for (Duration budget : {Duration(24h), Duration(10s)}) {
    budget_ = budget;
    play(script_to(phase) + "= silence");
    auto begun = runtime_.now();
    EXPECT_EQ(walk_to(phase).io->kind, io::Failure::timed_out);
    EXPECT_EQ(to_ms(runtime_.now() - begun), to_ms(std::min(standard, budget)));
  }
}

TEST_P(EveryPhase, ManyLinesAndBareLineFeedsAreUnderstood) {
  auto phase = GetParam();
  std::string code = phase == Phase::starttls ? "454" : "250";  // after a positive answer there a handshake is due
  std::string status = code.substr(0, 1) + ".0.0 ";
  play("= chop 3\n" + script_to(phase) + "= raw " + code + '-' + status + "one\\n" + code + '-' + status + "\\xe4\\n" +
       code + ' ' + status + "two\\n");
  auto step = walk_to(phase);
  ASSERT_TRUE(step.reply);
  EXPECT_EQ(step.reply->lines.size(), 3u);
  EXPECT_EQ(step.reply->text(), "one \xe4 two");
}

INSTANTIATE_TEST_SUITE_P(Phases, EveryPhase,
                         ::testing::Values(Phase::connect, Phase::ehlo, Phase::starttls, Phase::auth, Phase::mail,
                                           Phase::rcpt, Phase::data, Phase::end_of_data),
                         [](const auto& info) {
                           std::string name = to_string(info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// ---- Out of turn

TEST_F(SessionTest, ReplyNobodyAskedForEndsTheSession) {
  play("S: 220 mx\nS: 250 hello already");
  greeting();
  auto step = ehlo();
  EXPECT_EQ(step.trouble, Trouble::spoke_too_early);
  EXPECT_THAT(step.detail, HasSubstr("250 hello already"));
  EXPECT_THAT(transcript(), HasSubstr("S: 250 hello already"));
  EXPECT_TRUE(dialogue_->writes().empty());
  EXPECT_EQ(mail("a").trouble, Trouble::poisoned);
}

TEST_F(SessionTest, Unasked421IsTakenAsTheAnswer) {
  play("S: 220 mx\nC: EHLO probe.test\nS: 250 mx\nS: 421 4.4.2 idle too long\n= close");
  greeting();
  ehlo();
  auto step = mail("a");
  EXPECT_EQ(step.reply->code, 421);
  EXPECT_EQ(dialogue_->writes().size(), 1u);
  EXPECT_EQ(mail("b").trouble, Trouble::poisoned);
}

TEST_F(SessionTest, SurplusRepliesAfterAGroupAreFound) {
  play(std::string(hello) + "C: MAIL FROM:<>\nC: RSET\nS: 250 a\nS: 250 b\nS: 250 c");
  greeting();
  ehlo();
  auto steps = transactions({{"", {}}});
  EXPECT_TRUE(steps[0].rset->ok());
  EXPECT_EQ(mail("x").trouble, Trouble::spoke_too_early);
}

TEST_F(SessionTest, EarlyAnswerBeforeTheMessageIsNotAFinalReply) {
  play(script_to(Phase::data) + "S: 354 go\nS: 250 queued already");
  greeting();
  ehlo();
  mail("a@probe.test");
  rcpt("x@example.org");
  EXPECT_EQ(run(session_->data("hi", soon())).trouble, Trouble::spoke_too_early);
  EXPECT_EQ(dialogue_->writes().back(), "DATA\r\n");
}

// ---- Writes that fail

TEST_F(SessionTest, LastWordsAreReadAfterAFailedWrite) {
  play("S: 220 mx\n= refuse-writes\nS: 421 4.7.0 too many connections\n= reset");
  greeting();
  auto step = ehlo();
  ASSERT_TRUE(step.reply);
  EXPECT_EQ(step.reply->to_string(), "421 4.7.0 too many connections");
  EXPECT_EQ(mail("a").trouble, Trouble::poisoned);
  play("S: 220 mx\n= refuse-writes\nS: 554 5.7.1 listed\n= close");
  greeting();
  step = ehlo();
  EXPECT_EQ(step.reply->code, 554);
  EXPECT_THAT(mail("a").detail, HasSubstr("554 5.7.1 listed"));
}

TEST_F(SessionTest, FailedWriteWithoutLastWords) {
  play("S: 220 mx\n= refuse-writes\n= silence");
  greeting();
  auto begun = runtime_.now();
  auto step = ehlo();
  EXPECT_EQ(step.trouble, Trouble::io);
  EXPECT_EQ(step.io->kind, io::Failure::reset);
  EXPECT_LE(to_ms(runtime_.now() - begun), 1000);
}

TEST_F(SessionTest, GroupWhoseWriteFails) {
  play(std::string(hello) + "= refuse-writes\n= close");
  greeting();
  ehlo();
  auto steps = transactions({{"", {"a@b"}}, {"", {"c@d"}}});
  EXPECT_EQ(steps[0].mail.trouble, Trouble::io);
  EXPECT_EQ(steps[0].rcpts[0].trouble, Trouble::poisoned);
  EXPECT_EQ(steps[1].rset->trouble, Trouble::poisoned);
}

// ---- Leaving

TEST_F(SessionTest, QuitDoesNotInsist) {
  play(std::string(plain_hello) + "C: QUIT\n= silence");
  greeting();
  ehlo();
  auto begun = runtime_.now();
  auto step = run(session_->quit(soon()));
  EXPECT_EQ(step.io->kind, io::Failure::timed_out);
  EXPECT_EQ(to_ms(runtime_.now() - begun), 2000);
  EXPECT_TRUE(dialogue_->closed_by_client());
}

TEST_F(SessionTest, WordsAfterTheAnswerToQuitAreIgnored) {
  play(std::string(plain_hello) + "C: QUIT\nS: 221 bye\nS: 250 one more\nS: nonsense");
  greeting();
  ehlo();
  EXPECT_TRUE(run(session_->quit(soon())).ok());
  auto later = mail("a");
  EXPECT_EQ(later.trouble, Trouble::poisoned);
  EXPECT_THAT(later.detail, HasSubstr("the session was ended here"));
}

TEST_F(SessionTest, LeaveCostsNoTime) {
  play(std::string(plain_hello) + "C: QUIT\n= silence");
  greeting();
  ehlo();
  auto begun = runtime_.now();
  auto reads = dialogue_->reads();
  auto leave = [](Session& session) -> io::Task<int> {
    co_await session.leave();
    co_return 0;
  };
  run(leave(*session_));
  EXPECT_EQ(runtime_.now(), begun);
  EXPECT_EQ(dialogue_->reads(), reads);
  EXPECT_TRUE(dialogue_->closed_by_client());
  EXPECT_EQ(dialogue_->writes().back(), "QUIT\r\n");
  EXPECT_EQ(mail("a").trouble, Trouble::poisoned);
}

TEST_F(SessionTest, QuitIsTheLastOfTheLastGroup) {
  for (auto answer : {"S: 221 2.0.0 Bye\nS: 250 and more", "= silence", "= close"}) {
    SCOPED_TRACE(answer);
    play(std::string(hello) + R"(
      C: MAIL FROM:<a@probe.test>
      C: RCPT TO:<x@example.org>
      C: RSET
      C: MAIL FROM:<>
      C: RCPT TO:<y@example.org>
      C: QUIT
      S: 250 Ok
      S: 554 5.7.1 no
      S: 250 Ok
      S: 250 Ok
      S: 250 Ok
    )" + answer);
    greeting();
    ehlo();
    auto begun = runtime_.now();
    auto steps = transactions({{"a@probe.test", {"x@example.org"}}, {"", {"y@example.org"}}}, Session::After::leave);
    EXPECT_EQ(runtime_.now(), begun) << "the answer to QUIT is not waited for";
    EXPECT_EQ(steps[0].rcpts[0].reply->code, 554);
    EXPECT_TRUE(steps[0].rset->ok());
    EXPECT_TRUE(steps[1].rcpts[0].ok());
    EXPECT_FALSE(steps[1].rset);
    EXPECT_EQ(dialogue_->writes().size(), 2u);
    EXPECT_TRUE(dialogue_->closed_by_client());
    EXPECT_EQ(dialogue_->complaints(), "");
    EXPECT_THAT(mail("a").detail, HasSubstr("the session was ended here"));
    const auto& lines = session_->channel().lines();
    bool answered = std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.text == "221 2.0.0 Bye"; });
    EXPECT_EQ(answered, answer[0] == 'S') << "what came is in the trace";
  }
}

TEST_F(SessionTest, LeavingTakesTheTurnOfTheLastReset) {
  play(std::string(plain_hello) + R"(
    C: MAIL FROM:<a@probe.test>
    S: 250 Ok
    C: RCPT TO:<x@example.org>
    S: 554 no
    C: QUIT
    = silence
  )");
  greeting();
  ehlo();
  auto begun = runtime_.now();
  auto steps = transactions({{"a@probe.test", {"x@example.org"}}}, Session::After::leave);
  EXPECT_EQ(runtime_.now(), begun);
  EXPECT_EQ(steps[0].rcpts[0].reply->code, 554);
  EXPECT_FALSE(steps[0].rset);
  EXPECT_EQ(dialogue_->complaints(), "");
  EXPECT_TRUE(dialogue_->closed_by_client());
}

TEST_F(SessionTest, LeavingAfterAGroupThatBrokeSaysNothingMore) {
  play(std::string(hello) + "C: MAIL FROM:<>\nC: RCPT TO:<a@b>\nC: QUIT\nS: 250 Ok\nS: 421 4.7.0 enough\n= close");
  greeting();
  ehlo();
  auto steps = transactions({{"", {"a@b"}}}, Session::After::leave);
  EXPECT_EQ(steps[0].rcpts[0].reply->code, 421);
  EXPECT_EQ(dialogue_->writes().size(), 2u);
  EXPECT_TRUE(dialogue_->closed_by_client());
  EXPECT_THAT(mail("a").detail, HasSubstr("421 4.7.0 enough"));
}

TEST_F(SessionTest, LeavingWithNothingToAskIsAQuit) {
  play(std::string(hello) + "C: QUIT");
  greeting();
  ehlo();
  EXPECT_TRUE(transactions({}, Session::After::leave).empty());
  EXPECT_EQ(dialogue_->writes().back(), "QUIT\r\n");
  EXPECT_TRUE(dialogue_->closed_by_client());
}

TEST_F(SessionTest, LeavingBeforeTheGreetingSaysNothing) {
  play("= silence");
  EXPECT_EQ(run(session_->quit(soon())).trouble, Trouble::not_sent);
  EXPECT_TRUE(dialogue_->writes().empty());
  EXPECT_TRUE(dialogue_->closed_by_client());
  EXPECT_EQ(greeting().trouble, Trouble::poisoned);
}

TEST_F(SessionTest, ManySessionsAtTheSameTimeKeepApart) {
  std::vector<std::unique_ptr<Dialogue>> dialogues;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<io::Task<Step>> tasks;
  auto whole = [](Session& session, int n, Deadline deadline) -> io::Task<Step> {
    co_await session.greeting(deadline);
    co_await session.ehlo("probe.test", Session::Fallback::none, deadline);
    co_return co_await session.mail("n" + std::to_string(n) + "@probe.test", deadline);
  };
  for (int i = 0; i < 50; ++i) {
    auto n = std::to_string(i);
    dialogues.push_back(std::make_unique<Dialogue>("= chop 7\n= delay " + std::to_string(i % 5) + "s\nS: 220 mx" + n +
                                                   "\nC: EHLO probe.test\nS: 250 mx\nC: MAIL FROM:<n" + n +
                                                   "@probe.test>\nS: 250 ok " + n));
    sessions.push_back(std::make_unique<Session>(runtime_, dialogues.back()->stream(runtime_), log_.open("smtp", n)));
    tasks.push_back(whole(*sessions.back(), i, soon()));
  }
  auto steps = run(io::when_all(std::move(tasks)));
  for (int i = 0; i < 50; ++i) {
    auto index = static_cast<std::size_t>(i);
    EXPECT_EQ(steps[index].reply->text(), "ok " + std::to_string(i));
    EXPECT_EQ(dialogues[index]->complaints(), "");
  }
}

}  // namespace
}  // namespace smtpdx::smtp
