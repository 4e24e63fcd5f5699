// SPDX-License-Identifier: Apache-2.0
#include "smtp/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "smtp/testing/dialogue.hpp"
#include "smtp/testing/virtual_runtime.hpp"
#include "trace/log.hpp"

namespace smtpdx::smtp {
namespace {

using testing::Dialogue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::VirtualRuntime;

/// One session against one script. Every test ends by looking at the script's complaints.
class SessionTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (dialogue_) {
      EXPECT_EQ(dialogue_->complaints(), "") << transcript();
    }
  }
  Session& play(std::string_view script) {
    session_.reset();  // its stream refers to the dialogue
    dialogue_ = std::make_unique<Dialogue>(script);
    session_ = std::make_unique<Session>(runtime_, dialogue_->stream(runtime_), log_.open("smtp", "test"));
    return *session_;
  }
  template <class T>
  T run(io::Task<T> task) {
    return io::run(runtime_, std::move(task));
  }
  Deadline soon() { return runtime_.deadline_in(budget_); }
  Step greeting() { return run(session_->greeting(soon())); }
  Step ehlo() { return run(session_->ehlo("probe.test", Session::Fallback::none, soon())); }
  Step mail(std::string from) { return run(session_->mail(std::move(from), soon())); }
  Step rcpt(std::string to) { return run(session_->rcpt(std::move(to), soon())); }
  std::vector<TransactionSteps> transactions(std::vector<Envelope> envelopes,
                                             Session::After after = Session::After::stay) {
    return run(session_->transactions(std::move(envelopes), soon(), after));
  }
  /// The trace as text, "C: …" a line.
  std::string transcript() const {
    std::string out;
    for (const auto& line : session_->channel().lines()) {
      out += static_cast<char>(line.direction) + (": " + printable(line.text)) + '\n';
    }
    return out;
  }

  Duration budget_ = 24h;  ///< of each command
  trace::Log log_;
  VirtualRuntime runtime_;
  std::unique_ptr<Dialogue> dialogue_;
  std::unique_ptr<Session> session_;
};

constexpr auto hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250-mx.example.org
  S: 250 PIPELINING
)";
constexpr auto plain_hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250 mx.example.org
)";
constexpr auto tls_hello = R"(
  S: 220 mx.example.org ESMTP
  C: EHLO probe.test
  S: 250-mx.example.org
  S: 250 STARTTLS
)";

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
