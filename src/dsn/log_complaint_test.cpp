// SPDX-License-Identifier: Apache-2.0
#include "dsn/log_complaint.hpp"

#include <gtest/gtest.h>

namespace smtpdx::dsn {
namespace {

TEST(LogComplaint, AFailedLoginNamesClientAndMechanism) {
  auto r = read_log_complaint(
      "Nov 24 08:00:00 mx postfix/submission/smtpd[2001]: warning: client.example[198.51.100.20]: SASL XOAUTH2 "
      "authentication failed: e30=",
      10);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->mechanism, "XOAUTH2");
  EXPECT_EQ(r->client_address, "198.51.100.20");
  EXPECT_EQ(r->decider, "mx");
  EXPECT_EQ(r->phase, smtp::Phase::auth);
  EXPECT_EQ(r->kind, Kind::failed);
}

TEST(LogComplaint, EximNamesItsAuthenticator) {
  auto r = read_log_complaint(
      "2026-11-24 09:00:00 dovecot_plain authenticator failed for (laptop) [203.0.113.9]: 535 Incorrect authentication "
      "data (set_id=alice)",
      0);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->reply.code, 535);
  EXPECT_EQ(r->mechanism, "PLAIN");
  EXPECT_EQ(r->client_address, "203.0.113.9");
  EXPECT_EQ(r->decider, "");
}

TEST(LogComplaint, OrdinaryWarningsAreNone) {
  for (auto line :
       {"Nov 24 08:00:00 mx postfix/smtpd[1]: warning: hostname a.example does not resolve to address 192.0.2.7",
        "Nov 24 08:00:00 mx postfix/smtpd[1]: connect from client.example[198.51.100.20]",
        "Nov 24 08:00:00 mx postfix/smtp[1]: warning: TLS library problem: error:0A00010B:SSL routines::wrong "
        "version number:../ssl/record/ssl3_record.c:354:"})
    EXPECT_FALSE(read_log_complaint(line, 0).has_value()) << line;
}

TEST(Mechanism, WhatTheClientUsesAndNotWhatIsOffered) {
  EXPECT_EQ(mechanism_in("command: 'AUTH XOAUTH2'"), "XOAUTH2");
  EXPECT_EQ(mechanism_in(" -> AUTH LOGIN\n<- 535 no"), "LOGIN");
  EXPECT_EQ(mechanism_in("250-AUTH LOGIN XOAUTH2\n250 OK"), "");
  EXPECT_EQ(mechanism_in("250-AUTH XOAUTH2\n250 OK"), "");
  EXPECT_EQ(mechanism_in("offers AUTH LOGIN PLAIN"), "");
  EXPECT_EQ(mechanism_in("SMTP AUTH extension not supported"), "");
}

}  // namespace
}  // namespace smtpdx::dsn
