// SPDX-License-Identifier: Apache-2.0
#include "intake/session_log.hpp"

#include <gtest/gtest.h>

namespace smtpdx::intake {
namespace {

constexpr std::string_view failed =
    "Nov 24 10:00:01 mail postfix/submission/smtpd[4711]: warning: app.example.org[203.0.113.5]: SASL PLAIN "
    "authentication failed: x\n";
constexpr std::string_view refused =
    "Nov 24 10:00:01 mail postfix/submission/smtpd[4711]: NOQUEUE: reject: RCPT from app.example.org[203.0.113.5]: 554 "
    "5.7.1 "
    "<b@example.net>: Relay access denied; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<app>\n";

TEST(SessionLog, FailedLoginThenRefusal) {
  auto sessions = read_session_log(std::string(failed) + std::string(refused));
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].client, "203.0.113.5");
  EXPECT_EQ(sessions[0].relay_reply, "554 5.7.1 <b@example.net>: Relay access denied");
  EXPECT_EQ(sessions[0].auth, diag::AuthState::failed);
}

TEST(SessionLog, RefusalWithoutLoginIsNoSuchSession) { EXPECT_TRUE(read_session_log(refused).empty()); }

TEST(SessionLog, AnotherClientsFailureDoesNotCount) {
  std::string other(failed);
  other.replace(other.find("203.0.113.5"), 11, "203.0.113.9");
  EXPECT_TRUE(read_session_log(other + std::string(refused)).empty());
}

TEST(SessionLog, TheNextSessionOfTheSameProcessIsAnother) {
  const std::string end =
      "Nov 24 10:00:01 mail postfix/submission/smtpd[4711]: disconnect from app.example.org[203.0.113.5] auth=0/1\n";
  EXPECT_TRUE(read_session_log(std::string(failed) + end + std::string(refused)).empty());
}

TEST(SessionLog, AFailureOfAnHourAgoIsAnotherSession) {
  std::string later(refused);
  later.replace(later.find("10:00:01"), 8, "11:00:01");
  EXPECT_TRUE(read_session_log(std::string(failed) + later).empty());
}

TEST(SessionLog, ClientTranscript) {
  auto sessions = read_session_log(
      "-> AUTH PLAIN xxxx\n<- 535 5.7.8 Error: authentication failed\n-> RCPT TO:<b@example.net>\n<- 554 5.7.1 Relay "
      "access denied\n");
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].auth_reply, "535 5.7.8 Error: authentication failed");
}

}  // namespace
}  // namespace smtpdx::intake
