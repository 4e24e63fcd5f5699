// SPDX-License-Identifier: Apache-2.0
#include "intake/transcript.hpp"

#include <gtest/gtest.h>

namespace smtpdx::intake {
namespace {

using diag::AuthState;

TEST(Transcript, SwaksAfterAnAcceptedLogin) {
  auto s = read_transcript(
      "=== Connected to mail.example.org.\n<-  220 mail.example.org ESMTP\n -> EHLO c.example\n<-  "
      "250-mail.example.org\n"
      "<-  250-STARTTLS\n<-  250 SIZE 100\n -> STARTTLS\n<-  220 2.0.0 Ready\n=== TLS started\n ~> EHLO c.example\n"
      "<~  250-mail.example.org\n<~  250 AUTH PLAIN\n ~> AUTH PLAIN AGEAYg==\n<~  235 2.7.0 ok\n ~> MAIL "
      "FROM:<a@x.example>\n"
      "<~  250 ok\n ~> RCPT TO:<b@y.example>\n<~* 554 5.7.1 <b@y.example>: Relay access denied\n");
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->auth, AuthState::ok);
  EXPECT_EQ(s->mechanism, "PLAIN");
  EXPECT_EQ(s->tls, diag::TlsMode::starttls);
  EXPECT_TRUE(s->auth_offered);
  EXPECT_EQ(s->relay_reply, "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_EQ(s->auth_reply.find("AGEA"), std::string::npos);
}

TEST(Transcript, PhpMailerWithoutALogin) {
  auto s = read_transcript(
      "2026-11-24 10:00:00 SERVER -> CLIENT: 220 mail.example.org ESMTP\n"
      "2026-11-24 10:00:00 CLIENT -> SERVER: EHLO web.example\n"
      "2026-11-24 10:00:00 SERVER -> CLIENT: 250-mail.example.org\n250-PIPELINING\n250-AUTH PLAIN LOGIN\n250 8BITMIME\n"
      "2026-11-24 10:00:00 CLIENT -> SERVER: MAIL FROM:<a@x.example>\n"
      "2026-11-24 10:00:00 SERVER -> CLIENT: 250 2.1.0 Ok\n"
      "2026-11-24 10:00:00 CLIENT -> SERVER: RCPT TO:<b@y.example>\n"
      "2026-11-24 10:00:00 SERVER -> CLIENT: 554 5.7.1 <b@y.example>: Relay access denied\n");
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->auth, AuthState::none);
  EXPECT_TRUE(s->auth_offered);
  EXPECT_FALSE(s->starttls_offered);
}

TEST(Transcript, SmtplibWithoutTls) {
  auto s = read_transcript(
      "send: 'ehlo web.example\\r\\n'\nreply: b'250-mail.example.org\\r\\n'\nreply: b'250-SIZE 10240000\\r\\n'\n"
      "reply: b'250-STARTTLS\\r\\n'\nreply: b'250 8BITMIME\\r\\n'\nsend: 'mail FROM:<a@x.example>\\r\\n'\n"
      "reply: b'250 2.1.0 Ok\\r\\n'\nsend: 'rcpt TO:<b@y.example>\\r\\n'\n"
      "reply: b'554 5.7.1 <b@y.example>: Relay access denied\\r\\n'\n");
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->auth, AuthState::none);
  EXPECT_FALSE(s->auth_offered);
  EXPECT_TRUE(s->starttls_offered);
  EXPECT_FALSE(s->tls.has_value());
}

TEST(Transcript, TheLastSessionCounts) {
  auto s = read_transcript(
      "> EHLO a\n< 250 AUTH PLAIN\n> AUTH PLAIN x\n< 535 no\n> RCPT TO:<b@y.example>\n< 554 5.7.1 Relay access denied\n"
      "> EHLO a\n< 250 SIZE 1\n> RCPT TO:<b@y.example>\n< 554 5.7.1 Relay access denied\n");
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->auth, AuthState::none);
  EXPECT_FALSE(s->auth_offered);
}

TEST(Transcript, NothingWithoutAnEhloAnswerOrARelayRefusal) {
  EXPECT_FALSE(read_transcript("554 5.7.1 <b@y.example>: Relay access denied\n").has_value());
  EXPECT_FALSE(
      read_transcript("> EHLO a\n< 250 AUTH PLAIN\n> RCPT TO:<b@y.example>\n< 550 5.1.1 no such user\n").has_value());
}

}  // namespace
}  // namespace smtpdx::intake
