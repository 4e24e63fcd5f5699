// SPDX-License-Identifier: Apache-2.0
#include "smtp/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/testing/session_fixture.hpp"

namespace smtpdx::smtp {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- The straight way

TEST_F(SessionTest, WholeConversation) {
  auto& session = play(std::string(plain_hello) + R"(
    C: MAIL FROM:<a@probe.test>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.org>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 go on
    C: Subject: x
    C:
    C: ..dot
    C: ...
    C: lone CR
    C: end
    C: .
    S: 250 2.0.0 queued
    C: QUIT
    S: 221 2.0.0 Bye
  )");
  EXPECT_TRUE(greeting().ok());
  EXPECT_TRUE(ehlo().ok());
  EXPECT_EQ(session.capabilities().greeting_name, "mx.example.org");
  EXPECT_TRUE(mail("a@probe.test").ok());
  EXPECT_TRUE(rcpt("b@example.org").ok());
  auto end = run(session.data("Subject: x\n\r\n.dot\r\n..\nlone CR\rend", soon()));
  EXPECT_EQ(end.phase, Phase::end_of_data);
  EXPECT_EQ(end.reply->to_string(), "250 2.0.0 queued");
  auto bye = run(session.quit(soon()));
  EXPECT_EQ(bye.reply->code, 221);
  EXPECT_TRUE(dialogue_->finished());
  EXPECT_TRUE(dialogue_->closed_by_client());
  EXPECT_EQ(transcript(), R"(S: 220 mx.example.org ESMTP
C: EHLO probe.test
S: 250 mx.example.org
C: MAIL FROM:<a@probe.test>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.org>
S: 250 2.1.5 Ok
C: DATA
S: 354 go on
=: message of 40 octets follows
C: .
S: 250 2.0.0 queued
C: QUIT
S: 221 2.0.0 Bye
)");
}

TEST_F(SessionTest, EvidenceNamesTheLinesOfTheReply) {
  play(hello);
  auto first = greeting();
  auto step = ehlo();
  EXPECT_EQ(log_.words(first.evidence), "220 mx.example.org ESMTP");
  EXPECT_EQ(log_.words(step.evidence), "250-mx.example.org\n250 PIPELINING");
  EXPECT_EQ(step.evidence, step.reply->evidence);
}

TEST_F(SessionTest, TookIsTheTimeOfTheReply) {
  play("= delay 3s\nS: 220 slow\nC: EHLO probe.test\n= delay 7s\nS: 250 slow");
  EXPECT_EQ(to_ms(greeting().took), 3000);
  EXPECT_EQ(to_ms(ehlo().took), 7000);
}

TEST_F(SessionTest, HeloOnlyWhereEhloIsNotUnderstood) {
  auto& session = play(R"(
    S: 220 old
    C: EHLO probe.test
    S: 502 what
    C: HELO probe.test
    S: 250-old.example.org hello
    S: 250 PIPELINING
  )");
  greeting();
  auto step = run(session.ehlo("probe.test", Session::Fallback::helo, soon()));
  EXPECT_TRUE(step.ok());
  EXPECT_EQ(session.capabilities().greeting_name, "old.example.org");
  EXPECT_FALSE(session.capabilities().pipelining());
}

TEST_F(SessionTest, NoHeloAfterARefusalOrWithoutFallback) {
  play("S: 220 a\nC: EHLO probe.test\nS: 550 5.7.1 go away");
  greeting();
  EXPECT_EQ(run(session_->ehlo("probe.test", Session::Fallback::helo, soon())).reply->code, 550);
  play("S: 220 a\nC: EHLO probe.test\nS: 502 what");
  greeting();
  EXPECT_EQ(ehlo().reply->code, 502);
}

TEST_F(SessionTest, RefusedGreetingIsAReply) {
  auto& session = play("S: 554-5.7.1 no\nS: 554 5.7.1 service\nC: QUIT\nS: 221 bye");
  auto step = greeting();
  EXPECT_EQ(step.phase, Phase::connect);
  EXPECT_EQ(step.reply->to_string(), "554 5.7.1 no service");
  EXPECT_FALSE(session.poisoned());
  run(session.quit(soon()));
}

// ---- Pipelining

TEST_F(SessionTest, PipelinesAllEnvelopesInOneWrite) {
  play(std::string(hello) + R"(
    C: MAIL FROM:<a@probe.test>
    C: RCPT TO:<x@example.org>
    C: RCPT TO:<y@example.net>
    C: RSET
    C: MAIL FROM:<>
    C: RCPT TO:<x@example.org>
    C: RSET
    S: 250 2.1.0 Ok
    S: 250 2.1.5 Ok
    S: 554-5.7.1 <y@example.net>:
    S: 554 5.7.1 Relay access denied
    S: 250 2.0.0 Ok
    S: 550 5.1.8 null sender
    S: 503 5.5.1 need MAIL
    S: 250 2.0.0 Ok
  )");
  greeting();
  ehlo();
  auto steps = transactions({{"a@probe.test", {"x@example.org", "y@example.net"}}, {"", {"x@example.org"}}});
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_TRUE(steps[0].mail.ok());
  ASSERT_EQ(steps[0].rcpts.size(), 2u);
  EXPECT_TRUE(steps[0].rcpts[0].ok());
  EXPECT_EQ(steps[0].rcpts[1].reply->text(), "<y@example.net>: Relay access denied");
  EXPECT_EQ(steps[0].rcpts[1].phase, Phase::rcpt);
  EXPECT_TRUE(steps[0].rset->ok());
  EXPECT_EQ(steps[1].mail.reply->code, 550);
  EXPECT_EQ(steps[1].rcpts[0].reply->code, 503);
  EXPECT_EQ(dialogue_->writes().size(), 2u);  // EHLO, and all the rest
  EXPECT_TRUE(dialogue_->finished());
  EXPECT_EQ(log_.words(steps[0].rcpts[1].evidence), "554-5.7.1 <y@example.net>:\n554 5.7.1 Relay access denied");
}

TEST_F(SessionTest, TakesTurnsWherePipeliningIsNotOffered) {
  play(std::string(plain_hello) + R"(
    C: MAIL FROM:<a@probe.test>
    S: 250 Ok
    C: RCPT TO:<x@example.org>
    S: 554 no
    C: RSET
    S: 250 Ok
    C: MAIL FROM:<b@probe.test>
    S: 550 no
    C: MAIL FROM:<c@probe.test>
    S: 250 Ok
    C: RSET
    S: 250 Ok
  )");
  greeting();
  ehlo();
  auto steps =
      transactions({{"a@probe.test", {"x@example.org"}}, {"b@probe.test", {"p@q", "r@s"}}, {"c@probe.test", {}}});
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].rcpts[0].reply->code, 554);
  ASSERT_EQ(steps[1].rcpts.size(), 2u);
  EXPECT_EQ(steps[1].rcpts[0].trouble, Trouble::not_sent);
  EXPECT_FALSE(steps[1].rset);
  EXPECT_TRUE(steps[2].rset->ok());
  EXPECT_TRUE(dialogue_->finished());
}

TEST_F(SessionTest, LongGroupsGoOutInPieces) {
  std::string script(hello);
  std::vector<Envelope> envelopes(1);
  envelopes[0].mail_from = "a@probe.test";
  const int recipients = 400;
  std::string to = "@" + std::string(60, 'x') + ".example";
  // The piece ends at the last command that keeps it within 8 KiB; the script cannot know where, the checks below do.
  for (int i = 0; i < recipients; ++i) envelopes[0].rcpt_to.push_back("r" + std::to_string(i) + to);
  std::size_t piece = 0;
  std::string replies;
  auto command = [&](const std::string& line) {
    if (piece + line.size() + 2 > 8192) {
      script += replies;
      replies.clear();
      piece = 0;
    }
    script += "C: " + line + "\n";
    replies += "S: 250 ok\n";
    piece += line.size() + 2;
  };
  command("MAIL FROM:<a@probe.test>");
  for (const auto& rcpt : envelopes[0].rcpt_to) command("RCPT TO:<" + rcpt + ">");
  command("RSET");
  play(script + replies);
  greeting();
  ehlo();
  auto steps = transactions(envelopes);
  EXPECT_EQ(steps[0].rcpts.size(), 400u);
  EXPECT_TRUE(steps[0].rset->ok());
  EXPECT_EQ(dialogue_->writes().size(), 1u + 5u);
  for (const auto& write : dialogue_->writes()) EXPECT_LE(write.size(), 8192u);
}

TEST_F(SessionTest, CloseInsideAGroupPoisonsTheRest) {
  play(std::string(hello) + R"(
    C: MAIL FROM:<a@probe.test>
    C: RCPT TO:<x@example.org>
    C: RSET
    S: 250 Ok
    = close
  )");
  greeting();
  ehlo();
  auto steps = transactions({{"a@probe.test", {"x@example.org"}}});
  EXPECT_TRUE(steps[0].mail.ok());
  EXPECT_EQ(steps[0].rcpts[0].trouble, Trouble::io);
  EXPECT_EQ(steps[0].rcpts[0].io->kind, io::Failure::closed);
  EXPECT_EQ(steps[0].rset->trouble, Trouble::poisoned);
  EXPECT_EQ(steps[0].rset->io->kind, io::Failure::closed);
}

TEST_F(SessionTest, GroupOfOneReadOctetByOctet) {
  play("= chop 1\n" + std::string(hello) + R"(
    C: MAIL FROM:<>
    C: RCPT TO:<x@example.org>
    C: RSET
    S: 250-a
    S: 250 Ok
    S: 450 4.2.0 later
    S: 250 Ok
  )");
  greeting();
  ehlo();
  auto steps = transactions({{"", {"x@example.org"}}});
  EXPECT_EQ(steps[0].rcpts[0].reply->to_string(), "450 4.2.0 later");
  EXPECT_TRUE(steps[0].rset->ok());
}

TEST_F(SessionTest, NothingToDoIsNothingSent) {
  play(hello);
  greeting();
  ehlo();
  EXPECT_TRUE(transactions({}).empty());
  EXPECT_EQ(dialogue_->writes().size(), 1u);
}

TEST_F(SessionTest, LineBreaksInArgumentsAreNeverSent) {
  play(std::string(hello) + R"(
    C: MAIL FROM:<a@probe.test>
    S: 250 Ok
    C: RSET
    S: 250 Ok
  )");
  greeting();
  ehlo();
  EXPECT_EQ(mail("a@b>\r\nRCPT TO:<x").trouble, Trouble::not_sent);
  EXPECT_EQ(run(session_->ehlo(std::string("a\0b", 3), Session::Fallback::none, soon())).trouble, Trouble::not_sent);
  auto steps = transactions({{"a@probe.test", {"x\n@y"}}});
  EXPECT_EQ(steps[0].rcpts[0].trouble, Trouble::not_sent);
  EXPECT_FALSE(session_->poisoned());
  EXPECT_TRUE(dialogue_->finished());
}

// ---- TLS

TEST_F(SessionTest, StarttlsForgetsCapabilities) {
  auto& session = play(std::string(tls_hello) + R"(
    C: STARTTLS
    S: 220 2.0.0 Ready
    = tls
    C: EHLO probe.test
    S: 250-mx.example.org
    S: 250 AUTH PLAIN
  )");
  greeting();
  ehlo();
  io::TlsOptions options;
  options.server_name = "mx.example.org";
  auto step = run(session.starttls(options, soon()));
  EXPECT_TRUE(step.ok());
  EXPECT_EQ(step.reply->code, 220);
  EXPECT_TRUE(session.tls()->established);
  EXPECT_EQ(dialogue_->tls_options().server_name, "mx.example.org");
  EXPECT_FALSE(session.capabilities().starttls());
  EXPECT_THAT(log_.words(step.evidence), HasSubstr("220 2.0.0 Ready\nTLS: "));
  ehlo();
  EXPECT_TRUE(session.capabilities().offers_auth("PLAIN"));
}

TEST_F(SessionTest, StarttlsIsNotSentWhereNotOffered) {
  auto& session = play(plain_hello);
  greeting();
  ehlo();
  auto step = run(session.starttls({}, soon()));
  EXPECT_EQ(step.trouble, Trouble::not_offered);
  EXPECT_FALSE(session.poisoned());
  EXPECT_EQ(dialogue_->writes().size(), 1u);
}

TEST_F(SessionTest, RefusedStarttlsLeavesTheSessionUsable) {
  auto& session = play(std::string(tls_hello) + "C: STARTTLS\nS: 454 4.7.0 not now\nC: MAIL FROM:<>\nS: 250 ok");
  greeting();
  ehlo();
  auto step = run(session.starttls({}, soon()));
  EXPECT_EQ(step.reply->to_string(), "454 4.7.0 not now");
  EXPECT_FALSE(session.tls());
  EXPECT_TRUE(mail("").ok());
}

TEST_F(SessionTest, OctetsInjectedBeforeTheHandshakeEndTheSession) {
  for (auto injected : {"250-evil\\r\\n250 AUTH PLAIN\\r\\n", "x", "\\x16\\x03\\x01", "22"}) {
    auto& session = play(std::string(tls_hello) + "C: STARTTLS\n= raw 220 go\\r\\n" + injected + "\n= tls");
    greeting();
    ehlo();
    auto step = run(session.starttls({}, soon()));
    EXPECT_EQ(step.trouble, Trouble::spoke_too_early) << injected;
    EXPECT_FALSE(step.ok());
    EXPECT_FALSE(session.stream().is_tls());
    EXPECT_FALSE(session.tls());
    EXPECT_EQ(ehlo().trouble, Trouble::poisoned);
    EXPECT_FALSE(session.capabilities().offers_auth());
    EXPECT_EQ(dialogue_->writes().size(), 2u);
  }
}

TEST_F(SessionTest, FailedHandshakePoisons) {
  auto& session = play(std::string(tls_hello) + "C: STARTTLS\nS: 220 go\n= tls fail handshake failure");
  greeting();
  ehlo();
  auto step = run(session.starttls({}, soon()));
  EXPECT_EQ(step.trouble, Trouble::io);
  EXPECT_EQ(step.io->kind, io::Failure::tls);
  EXPECT_EQ(step.detail, "the TLS handshake failed: handshake failure");
  EXPECT_EQ(session.tls()->alert, "handshake failure");
  EXPECT_TRUE(session.poisoned());
  EXPECT_EQ(run(session.quit(soon())).trouble, Trouble::poisoned);
}

TEST_F(SessionTest, HandshakeThatHangsEndsByTheDeadline) {
  auto& session = play(std::string(tls_hello) + "C: STARTTLS\nS: 220 go\n= tls silence");
  greeting();
  ehlo();
  auto begun = runtime_.now();
  auto step = run(session.starttls({}, runtime_.deadline_in(20s)));
  EXPECT_EQ(step.io->kind, io::Failure::timed_out);
  EXPECT_EQ(to_ms(runtime_.now() - begun), 20'000);
}

TEST_F(SessionTest, ImplicitTlsComesFirst) {
  auto& session = play("= tls\nS: 220 mx\nC: EHLO probe.test\nS: 250 mx");
  auto step = run(session.implicit_tls({}, soon()));
  EXPECT_EQ(step.trouble, Trouble::none);
  EXPECT_EQ(step.phase, Phase::connect);
  EXPECT_TRUE(session.tls()->established);
  EXPECT_TRUE(greeting().ok());
  EXPECT_TRUE(ehlo().ok());
  auto& failing = play("= tls fail wrong version number");
  EXPECT_EQ(run(failing.implicit_tls({}, soon())).io->kind, io::Failure::tls);
  EXPECT_EQ(run(failing.quit(soon())).trouble, Trouble::poisoned);
  EXPECT_EQ(greeting().trouble, Trouble::poisoned);
}

}  // namespace
}  // namespace smtpdx::smtp
