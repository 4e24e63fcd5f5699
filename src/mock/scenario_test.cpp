// SPDX-License-Identifier: Apache-2.0
#include "mock/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpdx::mock {
namespace {

using testing::HasSubstr;

Scenario parsed(std::string_view text) {
  auto scenario = parse_scenario("s", text);
  EXPECT_TRUE(scenario.has_value()) << (scenario ? "" : scenario.error().message);
  return scenario ? std::move(*scenario) : Scenario{};
}

std::string complaint(std::string_view text) {
  auto scenario = parse_scenario("s", text);
  EXPECT_FALSE(scenario.has_value());
  return scenario ? "" : scenario.error().message + " (" + scenario.error().hint + ")";
}

TEST(Scenario, ReadsRecordsFailuresAndViews) {
  const auto s = parsed(
      "# Two lines\n# of title.\n"
      "-- dns --\n"
      "example.org.     MX   10 mx.example.org.\n"
      "mx.example.org.  AAAA ! SERVFAIL\n"
      "gone.example.    ! TIMEOUT\n"
      "@192.0.2.53 mx.example.org. A 192.0.2.26\n"
      "t.example. TXT \"a ! b\"\n");
  EXPECT_EQ(s.title, "Two lines of title.");
  ASSERT_EQ(s.dns.size(), 5u);
  EXPECT_EQ(s.dns[0].record.name, "mx.example.org");
  EXPECT_EQ(s.dns[1].failure, DnsLine::Failure::servfail);
  EXPECT_EQ(s.dns[1].type, dns::Type::AAAA);
  EXPECT_FALSE(s.dns[2].type.has_value());
  EXPECT_EQ(s.dns[3].view, IpAddress::parse("192.0.2.53"));
  EXPECT_EQ(s.dns[4].record.text, "a ! b");
}

TEST(Scenario, ReadsPolicies) {
  const auto s = parsed(
      "-- server 192.0.2.25:25,587 [2001:db8::1]:25 --\n"
      "name: mx.example.org\n"
      "domain: example.org bob Alice no-postmaster\n"
      "recipient Ghost@example.org: 550-no\\n550 %r\n"
      "client 2001:db8::/32: 554 no\n"
      "at rcpt: then close\n"
      "at ehlo: repeat 10 250-x\\r\\n\n"
      "certificate: other.example expired\n"
      "reach: silent\n"
      "-- server 192.0.2.26:25 --\n"
      "like: 192.0.2.25:587\n"
      "name: mx2.example.org\n");
  ASSERT_EQ(s.servers.size(), 2u);
  const auto& first = s.servers[0];
  ASSERT_EQ(first.at.size(), 3u);
  EXPECT_EQ(first.at[2].to_string(), "[2001:db8::1]:25");
  EXPECT_TRUE(first.policy.domains[0].local_parts.contains("alice"));
  EXPECT_FALSE(first.policy.domains[0].postmaster);
  EXPECT_EQ(first.policy.recipients.at("ghost@example.org"), "550-no\n550 %r");
  EXPECT_EQ(first.policy.clients[0].first.prefix, 32u);
  EXPECT_TRUE(first.policy.behaviour.at(Moment::rcpt).after_reply);
  EXPECT_EQ(first.policy.behaviour.at(Moment::ehlo).repeat, 10u);
  EXPECT_EQ(first.certificate.fault, CertificateLine::Fault::expired);
  EXPECT_EQ(first.reach, Reach::silent);
  EXPECT_EQ(s.servers[1].policy.name, "mx2.example.org");
  EXPECT_EQ(s.servers[1].policy.domains.size(), 1u);
  ASSERT_EQ(s.servers[1].at.size(), 1u);
}

TEST(Scenario, ReadsDialogs) {
  const auto s = parsed(
      "-- dialog 192.0.2.25:25 --\n"
      "S: 220 mx ESMTP\n"
      "C: EHLO *\n"
      "! delay 250ms\n"
      "! raw \\x00\\xff\\r\\n\n"
      "! close\n");
  ASSERT_EQ(s.dialogs.size(), 1u);
  const auto& lines = s.dialogs[0].lines;
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[1].text, "EHLO *");
  EXPECT_EQ(lines[1].line, 3u);
  EXPECT_EQ(lines[2].time, Duration(std::chrono::milliseconds(250)));
  EXPECT_EQ(lines[3].text, std::string("\0\xff\r\n", 4));
}

TEST(Scenario, ReadsTheCommandAndTheFindings) {
  const auto s = parsed(
      "-- run --\n"
      "smtpdx diagnose --text \"554 5.7.1 <bob@far.example>: no\" --server mail.example.org:587\n"
      "  --client-tls none --source 203.0.113.66 - --timeout 7\n"
      "-- input --\n"
      "# no comment\n"
      "\n"
      "--boundary--\n"
      "-- findings --\n"
      "verdict: no-problem\n"
      "proved submit.auth_not_attempted flip\n"
      "ruled out rcpt.one_mx_stale\n"
      "likely submit.wrong_endpoint needs the server's log\n"
      "broken 192.0.2.25:25 connect timed out\n");
  ASSERT_TRUE(s.run.has_value());
  EXPECT_EQ(s.run->text, "554 5.7.1 <bob@far.example>: no");
  EXPECT_EQ(s.run->question.server->port, 587);
  EXPECT_EQ(s.run->question.client.tls, diag::TlsMode::plain);
  EXPECT_TRUE(s.run->reads_input);
  EXPECT_EQ(s.run->timeout, Duration(std::chrono::seconds(7)));
  EXPECT_EQ(s.input, "# no comment\n\n--boundary--\n");
  ASSERT_TRUE(s.findings.has_value());
  EXPECT_EQ(s.findings->conclusion, diag::Conclusion::no_problem);
  ASSERT_EQ(s.findings->findings.size(), 3u);
  EXPECT_EQ(s.findings->findings[0].proof, diag::Proof::flip);
  EXPECT_EQ(s.findings->findings[1].verdict, diag::Verdict::ruled_out);
  EXPECT_EQ(s.findings->findings[2].needs, "the server's log");
  EXPECT_FALSE(s.findings->compares_possible);
  EXPECT_EQ(s.findings->broken[0].trouble, "timed out");
}

TEST(Scenario, ComplainsWithFileAndLine) {
  EXPECT_THAT(complaint("x\n"), HasSubstr("s:1: this stands before the first section"));
  EXPECT_THAT(complaint("-- dsn --\n"), HasSubstr("s:1: no section is called \"dsn\""));
  EXPECT_THAT(complaint("-- dns --\n\nexample.org. MX ten mx.\n"), HasSubstr("s:3: not a DNS record"));
  EXPECT_THAT(complaint("-- dns --\nexample.org. MX ! NOPE\n"), HasSubstr("SERVFAIL REFUSED"));
  EXPECT_THAT(complaint("-- server 192.0.2.25 --\n"), HasSubstr("s:1: \"192.0.2.25\" is not ADDR:PORT"));
  EXPECT_THAT(complaint("-- server 192.0.2.25:25 --\nstartls: yes\n"), HasSubstr("did you mean \"starttls\"?"));
  EXPECT_THAT(complaint("-- server 192.0.2.25:25 --\nstarttls: maybe\n"), HasSubstr("s:2: this takes yes or no"));
  EXPECT_THAT(complaint("-- server 192.0.2.25:25 --\nat noon: close\n"), HasSubstr("no moment"));
  EXPECT_THAT(complaint("-- dialog 192.0.2.25:25 --\nsomething\n"), HasSubstr("s:2: a dialog has lines"));
  EXPECT_THAT(complaint("-- run --\nsmtpdx diagnose --tetx x\n"), HasSubstr("a scenario's command has no --tetx"));
  EXPECT_THAT(complaint("-- run --\nsmtpdx diagnose --text \"x\n"), HasSubstr("quotation mark"));
  EXPECT_THAT(complaint("-- findings --\nmaybe x\n"), HasSubstr("s:2: a finding begins with"));
  EXPECT_THAT(complaint("-- findings --\nproved x luck\n"), HasSubstr("no kind of proof"));
}

}  // namespace
}  // namespace smtpdx::mock
