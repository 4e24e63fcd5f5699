// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "smtp/session.hpp"
#include "smtp/testing/answering_stream.hpp"
#include "smtp/testing/dialogue.hpp"
#include "smtp/testing/virtual_runtime.hpp"

namespace smtpdx::smtp {
namespace {

using testing::AnsweringStream;
using testing::Dialogue;
using ::testing::HasSubstr;
using testing::VirtualRuntime;

const std::string secret = "correct-horse-battery";

class AuthTest : public ::testing::Test {
 protected:
  /// Plays `script` after a greeting and an EHLO reply that offers `mechanisms`; returns what auth() gave.
  Step auth(const std::string& mechanisms, const std::string& script) {
    session_.reset();  // its stream refers to the dialogue
    dialogue_ = std::make_unique<Dialogue>("S: 220 mx\nC: EHLO probe.test\nS: 250-mx\nS: 250 AUTH " + mechanisms +
                                           '\n' + script);
    return talk(dialogue_->stream(runtime_));
  }
  Step talk(std::unique_ptr<io::Stream> stream) {
    session_ = std::make_unique<Session>(runtime_, std::move(stream), log_.open("smtp", "test"));
    auto deadline = runtime_.deadline_in(1h);
    io::run(runtime_, session_->greeting(deadline));
    io::run(runtime_, session_->ehlo("probe.test", Session::Fallback::none, deadline));
    return io::run(runtime_, session_->auth(credentials_, deadline));
  }
  void TearDown() override {
    if (dialogue_) {
      EXPECT_EQ(dialogue_->complaints(), "");
    }
  }
  std::string transcript() const {
    std::string out;
    for (const auto& line : session_->channel().lines()) {
      out += static_cast<char>(line.direction) + (": " + line.text) + '\n';
    }
    return out;
  }
  static Credentials alice() {
    Credentials c;
    c.user = "alice@example.org";
    c.secret = secret;
    c.host = "mx.example.org";
    c.port = 587;
    return c;
  }

  Credentials credentials_ = alice();
  trace::Log log_;  // knows no secret: what is missing from the trace below is missing because of the session
  VirtualRuntime runtime_;
  std::unique_ptr<Dialogue> dialogue_;
  std::unique_ptr<Session> session_;
};

std::string plain_response() { return base64_encode(std::string("\0alice@example.org\0", 19) + secret); }

TEST_F(AuthTest, PlainInOneCommand) {
  auto step = auth("PLAIN LOGIN", "C: AUTH PLAIN " + plain_response() + "\nS: 235 2.7.0 welcome");
  EXPECT_TRUE(step.ok());
  EXPECT_EQ(step.phase, Phase::auth);
  EXPECT_THAT(transcript(), HasSubstr("C: AUTH PLAIN [secret]\n"));
}

TEST_F(AuthTest, LoginInTwoChallenges) {
  auto script = "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: " + base64_encode("alice@example.org") +
                "\nS: 334 UGFzc3dvcmQ6\nC: " + base64_encode(secret) + "\nS: 535 5.7.8 no";
  auto step = auth("LOGIN", script);
  EXPECT_EQ(step.reply->to_string(), "535 5.7.8 no");
  EXPECT_FALSE(session_->poisoned());
  EXPECT_THAT(transcript(), HasSubstr("S: 334 VXNlcm5hbWU6\nC: [secret]\nS: 334 UGFzc3dvcmQ6\nC: [secret]\n"));
}

TEST_F(AuthTest, LoginWithPromptsInClear) {
  auto script = "C: AUTH LOGIN\nS: 334 Username:\nC: " + base64_encode("alice@example.org") +
                "\nS: 334 Password:\nC: " + base64_encode(secret) + "\nS: 235 ok";
  EXPECT_TRUE(auth("LOGIN", script).ok());
}

TEST_F(AuthTest, OnlyWhatIsOffered) {
  EXPECT_EQ(auth("EXTERNAL", "").trouble, Trouble::not_offered);
  credentials_.mechanism = "XOAUTH2";
  auto step = auth("PLAIN", "");
  EXPECT_EQ(step.trouble, Trouble::not_offered);
  EXPECT_THAT(step.detail, HasSubstr("XOAUTH2"));
  EXPECT_FALSE(session_->poisoned());
  EXPECT_EQ(dialogue_->writes().size(), 1u);
}

TEST_F(AuthTest, LongTokenWaitsForTheFirstChallenge) {
  credentials_.mechanism = "XOAUTH2";
  credentials_.secret = std::string(1500, 't');
  auto response = base64_encode("user=alice@example.org\1auth=Bearer " + credentials_.secret + "\1\1");
  auto step = auth("XOAUTH2", "C: AUTH XOAUTH2\nS: 334\nC: " + response + "\nS: 235 ok");
  EXPECT_TRUE(step.ok());
  EXPECT_THAT(transcript(), HasSubstr("C: AUTH XOAUTH2\nS: 334\nC: [secret]\n"));
}

TEST_F(AuthTest, OAuthErrorDocumentIsKept) {
  const std::string document = R"({"status":"invalid_token","scope":"mail"})";
  credentials_.mechanism = "OAUTHBEARER";
  auto step = auth("OAUTHBEARER",
                   "C: AUTH OAUTHBEARER *\nS: 334 " + base64_encode(document) + "\nC: AQ==\nS: 535 5.7.8 refused");
  EXPECT_EQ(step.reply->code, 535);
  EXPECT_EQ(step.trouble, Trouble::none);
  EXPECT_EQ(step.detail, document);
  credentials_.mechanism = "XOAUTH2";
  step = auth("XOAUTH2", "C: AUTH XOAUTH2 *\nS: 334 " + base64_encode(document) + "\nC:\nS: 535 5.7.8 refused");
  EXPECT_EQ(step.detail, document);
}

TEST_F(AuthTest, ErrorDocumentThatRepeatsTheTokenIsCleaned) {
  credentials_.mechanism = "OAUTHBEARER";
  auto step = auth("OAUTHBEARER", "C: AUTH OAUTHBEARER *\nS: 334 " + base64_encode("{\"token\":\"" + secret + "\"}") +
                                      "\nC: AQ==\nS: 535 5.7.8 refused");
  EXPECT_EQ(step.detail, "{\"token\":\"[secret]\"}");
}

TEST_F(AuthTest, ChallengesDoNotGoOnForEver) {
  credentials_.mechanism = "LOGIN";
  int challenges = 0;
  auto endless = [&](std::string_view line) -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 AUTH LOGIN\r\n";
    if (line == "*") return "501 cancelled\r\n";
    ++challenges;
    return "334 YQ==\r\n";
  };
  auto step = talk(std::make_unique<AnsweringStream>(runtime_, "220 mx\r\n", endless));
  EXPECT_EQ(step.trouble, Trouble::challenge);
  EXPECT_EQ(step.reply->code, 501);
  EXPECT_FALSE(step.ok());
  EXPECT_EQ(challenges, 3);  // LOGIN has two answers; the third challenge is one too many
  EXPECT_FALSE(session_->poisoned());
}

TEST_F(AuthTest, ChallengesAfterTheCancelPoison) {
  auto step = auth("CRAM-MD5", "C: AUTH CRAM-MD5\nS: 334 !!!\nC: *\nS: 334 YQ==");
  EXPECT_EQ(step.trouble, Trouble::framing);
  EXPECT_TRUE(session_->poisoned());
}

TEST_F(AuthTest, ChallengeThatIsNotBase64IsCancelled) {
  auto step = auth("CRAM-MD5", "C: AUTH CRAM-MD5\nS: 334 !!!\nC: *\nS: 501 5.5.4 cancelled\nC: QUIT\nS: 221 bye");
  EXPECT_EQ(step.trouble, Trouble::challenge);
  EXPECT_EQ(step.detail, "the challenge is not base64");
  EXPECT_TRUE(io::run(runtime_, session_->quit(runtime_.deadline_in(1s))).ok());
}

TEST_F(AuthTest, PositiveAnswerToACancelIsNoLogin) {
  auto step = auth("CRAM-MD5", "C: AUTH CRAM-MD5\nS: 334 !!!\nC: *\nS: 235 welcome anyway");
  EXPECT_FALSE(step.ok());
}

TEST_F(AuthTest, ScramServerWithoutTheSecretIsCancelled) {
  std::string cancelled;
  auto impostor = [&](std::string_view line) -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 AUTH SCRAM-SHA-256\r\n";
    if (line == "*") return cancelled = "501 cancelled\r\n";
    return "334 " + base64_encode("r=other,s=c2FsdA==,i=4096") + "\r\n";
  };
  auto step = talk(std::make_unique<AnsweringStream>(runtime_, "220 mx\r\n", impostor));
  EXPECT_EQ(step.trouble, Trouble::challenge);
  EXPECT_FALSE(cancelled.empty());
  EXPECT_THAT(step.detail, HasSubstr("SCRAM-SHA-256: "));
}

TEST_F(AuthTest, SecretsAreNowhereInTheTrace) {
  for (const auto& mechanism : supported_mechanisms()) {
    SCOPED_TRACE(mechanism);
    credentials_.mechanism = mechanism;
    std::vector<std::string> sent;
    // A server that repeats every line it gets, whole and cut off, and the secret as well.
    auto parrot = [&](std::string_view line) -> std::string {
      if (line.starts_with("EHLO")) return "250-mx\r\n250 AUTH " + mechanism + "\r\n";
      sent.emplace_back(line.starts_with("AUTH ") ? line.substr(std::min(line.size(), 6 + mechanism.size())) : line);
      if (line.size() < 20 && sent.size() == 1) return "334 " + base64_encode("<1.2@mx.example.org>") + "\r\n";
      std::string l(line);
      std::string upper = l;
      for (auto& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      return "500-unknown command " + l + "\r\n500-" + upper + "\r\n500-cut " + l.substr(0, l.size() * 2 / 3) +
             "\r\n500-your password " + secret + " is wrong\r\n500 " + base64_encode(secret) + "\r\n";
    };
    auto step = talk(std::make_unique<AnsweringStream>(runtime_, "220 mx\r\n", parrot));
    if (step.trouble == Trouble::not_sent) continue;  // libgsasl built without it
    auto seen = transcript() + step.detail;
    if (step.reply) {
      for (const auto& line : step.reply->lines) seen += line + '\n';
    }
    EXPECT_THAT(seen, HasSubstr("[secret]"));
    EXPECT_FALSE(icontains(seen, secret));
    EXPECT_FALSE(icontains(seen, base64_encode(secret).substr(0, 12)));
    ASSERT_FALSE(sent.empty());
    for (const auto& line : sent) {
      if (line.size() >= 8) {
        EXPECT_FALSE(icontains(seen, line.substr(0, 8))) << line;
      }
    }
    for (int shift = 0; shift < 3; ++shift) {  // base64 of the secret at every alignment, without its edges
      auto form = base64_encode(std::string(static_cast<std::size_t>(shift), 'x') + secret);
      EXPECT_FALSE(icontains(seen, form.substr(4, 12))) << form;
    }
  }
}

TEST_F(AuthTest, SecretsAreNotInPoisonOrPartialLines) {
  auto step = auth("PLAIN", "C: AUTH PLAIN *\n= raw 500 bad " + plain_response() + "\n= close");
  EXPECT_EQ(step.trouble, Trouble::io);
  auto later = io::run(runtime_, session_->mail("a", runtime_.deadline_in(1h)));
  auto seen = transcript() + step.detail + later.detail;
  EXPECT_FALSE(icontains(seen, plain_response().substr(0, 10))) << seen;
  step = auth("PLAIN", "C: AUTH PLAIN *\nS: 421 bad " + secret + "\n= close");
  later = io::run(runtime_, session_->mail("a", runtime_.deadline_in(1h)));
  seen = transcript() + step.reply->to_string() + later.detail;
  EXPECT_FALSE(icontains(seen, secret)) << seen;
  step = auth("PLAIN", "C: AUTH PLAIN *\nS: gibberish " + secret);
  seen = transcript() + step.detail;
  EXPECT_EQ(step.trouble, Trouble::framing);
  EXPECT_FALSE(icontains(seen, secret)) << seen;
}

}  // namespace
}  // namespace smtpdx::smtp
