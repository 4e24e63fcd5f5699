// SPDX-License-Identifier: Apache-2.0
#include "mail/received.hpp"

#include <gtest/gtest.h>

#include "mail/date.hpp"

namespace smtpdx::mail {
namespace {

std::string address(const Received& r) { return r.address ? r.address->to_string() : ""; }

TEST(Received, PostfixTellsHeloNameAndAddressApart) {
  auto r = parse_received(
      " from helo.example (mail.example.org [192.0.2.7])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
      "(256/256 "
      "bits))\r\n\tby mx.example.net (Postfix) with ESMTPS id 4ABC\r\n\tfor <bob@example.net>; Tue, 24 Nov 2026 "
      "12:00:05 "
      "+0100 (CET)");
  EXPECT_EQ(r.from, "helo.example");
  EXPECT_EQ(r.name, "mail.example.org");
  EXPECT_EQ(address(r), "192.0.2.7");
  EXPECT_EQ(r.by, "mx.example.net");
  EXPECT_EQ(r.with, "ESMTPS");
  EXPECT_EQ(r.id, "4ABC");
  EXPECT_EQ(r.recipient, "bob@example.net");
  EXPECT_EQ(r.tls, "TLSv1.3");
  ASSERT_TRUE(r.date);
  EXPECT_EQ(rfc3339(*r.date), "2026-11-24T11:00:05Z");
}

TEST(Received, EximWritesTheHeloNameIntoTheComment) {
  auto r = parse_received(
      " from mail.example.org ([192.0.2.8] helo=there.example)\n by mx.example.net with esmtpsa  "
      "(TLS1.3) tls TLS_AES_256 (Exim 4.96) id 1abc; Tue, 24 Nov 2026 11:00:00 +0000");
  EXPECT_EQ(r.from, "there.example");
  EXPECT_EQ(r.name, "mail.example.org");
  EXPECT_EQ(address(r), "192.0.2.8");
  EXPECT_TRUE(r.authenticated);
  EXPECT_EQ(r.tls, "TLS1.3");
}

TEST(Received, ExchangeAndGmail) {
  auto exchange = parse_received(
      " from A.prod.example (2001:db8:20b:2d7::11) by\r\n B.prod.example (2001:db8::5) with "
      "Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20.1; Tue, 24 Nov 2026 11:00:00 +0000");
  EXPECT_EQ(address(exchange), "2001:db8:20b:2d7::11");
  EXPECT_EQ(exchange.by, "B.prod.example");
  EXPECT_EQ(exchange.with, "Microsoft");
  EXPECT_EQ(exchange.tls, "TLS1_2");
  auto gmail = parse_received(" by 2002:a05:6504:1111 with SMTP id x1csp5; Tue, 24 Nov 2026 03:00:00 -0800 (PST)");
  EXPECT_EQ(gmail.from, "");
  EXPECT_EQ(gmail.with, "SMTP");
  auto named = parse_received(
      " from mail.example.org (mail.example.org. [192.0.2.9]) by mx.google.example with ESMTPS "
      "id q; Tue, 24 Nov 2026 03:00:00 -0800 (PST)");
  EXPECT_EQ(named.name, "mail.example.org");
  EXPECT_EQ(address(named), "192.0.2.9");
  EXPECT_EQ(named.tls, "yes");
}

TEST(Received, AForgedCommentCannotHideTheAddress) {
  auto r = parse_received(" from [198.51.100.1] (dyn.example [192.0.2.10] (may be forged)) by mx.example; nonsense");
  EXPECT_EQ(address(r), "192.0.2.10");
  EXPECT_FALSE(r.date);
  EXPECT_EQ(r.date_text, "nonsense");
}

TEST(Date, FormsOfTheField) {
  EXPECT_EQ(rfc3339(*parse_date("24 Nov 2026 11:00 GMT")), "2026-11-24T11:00:00Z");
  EXPECT_EQ(rfc3339(*parse_date("Tue, 24 Nov 26 06:00:00 EST")), "2026-11-24T11:00:00Z");
  EXPECT_EQ(rfc3339(*parse_date("Tue Nov 24 11:00:00 2026")), "2026-11-24T11:00:00Z");
  EXPECT_FALSE(parse_date("Tue, 24 Foo 2026 11:00:00 +0000"));
  EXPECT_FALSE(parse_date("24 Nov 2026"));
  EXPECT_FALSE(parse_date(""));
}

}  // namespace
}  // namespace smtpdx::mail
