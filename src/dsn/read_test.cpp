// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "dsn/reader.hpp"

namespace smtpdx::dsn {
namespace {

std::string load(std::string_view name) {
  std::ifstream file(std::string(SMTPDX_SOURCE_DIR) + "/tests/data/bounces/" + std::string(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string show(const QuotedReply& reply) {
  std::string out = reply.code == 0 ? "-" : std::to_string(reply.code);
  return out + " " + (reply.status ? reply.status->to_string() : std::string("-")) + " " + reply.text;
}

ReadResult read_text(std::string_view text, std::string_view name = "x") { return read({std::string(name), text}); }

Refusal only(const std::string& octets, std::string_view name) {
  auto result = read({std::string(name), octets});
  EXPECT_EQ(result.refusals.size(), 1u) << name;
  for (const auto& refusal : result.refusals)
    for (const auto& span : refusal.evidence) {
      EXPECT_LE(span.offset + span.length, octets.size()) << name;
      EXPECT_GT(span.length, 0u) << name;
    }
  return result.refusals.at(0);
}

Refusal bounce(std::string_view name) { return only(load(name), name); }

std::string span_octets(const std::string& octets, const Refusal& refusal, std::string_view what) {
  for (const auto& span : refusal.evidence)
    if (span.what == what) return octets.substr(span.offset, span.length);
  return "-";
}

kb::Reason reason(const Refusal& refusal) { return understand(refusal, kb::Catalogue::builtin()).reason; }

void expect_relay_pool_evidence(const Refusal& r, const char* spf, const char* dkim) {
  EXPECT_EQ(r.kind, Kind::failed);
  EXPECT_EQ(r.recipient, "office@partner.example");
  EXPECT_EQ(r.reporter, "db9pr02mb0001.eurprd02.prod.outlook.com");
  EXPECT_EQ(r.reply.code, 550);
  EXPECT_EQ(r.reply.status->to_string(), "5.7.367");
  ASSERT_TRUE(r.inner.has_value());
  EXPECT_TRUE(r.returned.present);
  EXPECT_TRUE(r.returned.arrived_from_outside);
  EXPECT_TRUE(r.returned.forwarded);
  EXPECT_EQ(r.returned.spf, spf);
  EXPECT_EQ(r.returned.dkim, dkim);
  EXPECT_EQ(r.returned.authserv, "protection.outlook.com");
  EXPECT_EQ(r.returned.from, "anna@sender.example");
  EXPECT_EQ(r.returned.mail_from, "anna@sender.example");
  EXPECT_GE(r.returned.why.size(), 4u);
  EXPECT_EQ(reason(r), kb::Reason::relay_denied);
  EXPECT_EQ(understand(r, kb::Catalogue::builtin()).rule, "msexch.remote-relay-denied");
}

TEST(Read, RelayPoolForwardsInThreeWordings) {
  auto loop = bounce("s01_softfail_forwarding_loop.eml");
  expect_relay_pool_evidence(loop, "softfail", "none");
  EXPECT_EQ(show(*loop.inner), "554 5.7.1 Relaying denied");
  EXPECT_EQ(loop.decider, "mx1.gateway.example");
  auto forward = bounce("s01_fail_dkim_fail_autoforward.eml");
  expect_relay_pool_evidence(forward, "fail", "fail");
  EXPECT_EQ(show(*forward.inner), "550 5.7.1 <office@partner.example>: Relay access denied");
  EXPECT_EQ(forward.decider, "filter01.mailguard.example");
  auto words = bounce("s01_inbox_rule_words_only.eml");
  expect_relay_pool_evidence(words, "softfail", "none");
  EXPECT_EQ(words.decider, "mx1.gateway.example");
}

TEST(Read, EvidenceLiesInTheFile) {
  std::string octets = load("s01_softfail_forwarding_loop.eml");
  auto r = only(octets, "x");
  EXPECT_EQ(span_octets(octets, r, "diagnostic-code"),
            "550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied");
  EXPECT_EQ(span_octets(octets, r, "inner-reply"), "554 5.7.1 Relaying denied");
  std::string qp = load("s01_inbox_rule_words_only.eml");
  auto words = only(qp, "x");
  EXPECT_EQ(span_octets(qp, words, "prose"),
            "550 5.7.367 Remote server returned not permitted to rel=\nay -> 554 5.7.1 <office@partner.example>: "
            "Relaying denied");
}

TEST(Read, LookAlikeWithPassingSpfSaysSo) {
  auto r = bounce("s01_lookalike_spf_pass.eml");
  EXPECT_EQ(r.returned.spf, "pass");
  EXPECT_EQ(r.returned.dkim, "none");
  EXPECT_TRUE(r.returned.arrived_from_outside);
}

TEST(Read, MailOfTheTenantItselfDidNotComeFromOutside) {
  for (auto name : {"s03_one_mx_stale.eml", "s07_smart_host.eml"}) {
    auto r = bounce(name);
    EXPECT_TRUE(r.returned.present) << name;
    EXPECT_FALSE(r.returned.arrived_from_outside) << name;
    EXPECT_FALSE(r.returned.forwarded) << name;
    EXPECT_FALSE(r.returned.spf.has_value()) << name;
    EXPECT_EQ(reason(r), kb::Reason::relay_denied) << name;
  }
  EXPECT_EQ(bounce("s03_one_mx_stale.eml").decider, "mail.old-hosting.example");
  EXPECT_EQ(bounce("s07_smart_host.eml").decider, "exchange01.tenant.example");
  EXPECT_EQ(show(*bounce("s03_one_mx_stale.eml").inner), "550 - relay not permitted");
}

TEST(Read, PostfixReportTakesPhaseAndAddressFromTheWords) {
  auto r = bounce("s02_mx_lacks_domain.eml");
  EXPECT_EQ(show(r.reply), "554 5.7.1 <office@partner.example>: Relay access denied");
  EXPECT_FALSE(r.inner.has_value());
  EXPECT_EQ(r.reporter, "out.sender.example");
  EXPECT_EQ(r.decider, "mx1.partner.example");
  EXPECT_EQ(r.decider_address, "192.0.2.25");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  EXPECT_EQ(r.sender, "anna@sender.example");
  EXPECT_EQ(reason(r), kb::Reason::relay_denied);
  EXPECT_TRUE(r.returned.present);
  EXPECT_FALSE(r.returned.arrived_from_outside);
}

TEST(Read, AForwardShowsInTheRecipients) {
  auto r = bounce("s12_forward_to_closed_host.eml");
  EXPECT_EQ(r.recipient, "treasurer@old-provider.example");
  EXPECT_EQ(r.original_recipient, "treasurer@club.example");
  EXPECT_EQ(show(r.reply), "550 5.7.1 <treasurer@old-provider.example>... Relaying denied");
  EXPECT_TRUE(r.returned.forwarded);
  EXPECT_TRUE(r.returned.arrived_from_outside);
  EXPECT_EQ(reason(r), kb::Reason::relay_denied);
}

TEST(Read, WordsAlone) {
  auto exim = bounce("exim_cpanel_words.eml");
  EXPECT_EQ(exim.recipient, "office@partner.example");
  EXPECT_EQ(exim.decider, "mail.partner.example");
  EXPECT_EQ(exim.decider_address, "192.0.2.25");
  EXPECT_EQ(exim.client_address, "203.0.113.9");
  EXPECT_EQ(exim.phase, smtp::Phase::rcpt);
  EXPECT_EQ(exim.reply.code, 550);
  EXPECT_EQ(exim.reporter, "server.hosting.example");
  EXPECT_EQ(understand(exim, kb::Catalogue::builtin()).causes.at(0), "submit.exim_cpanel_unauth");
  auto qmail = bounce("qmail_rcpthosts.eml");
  EXPECT_EQ(qmail.reply.code, 553);
  EXPECT_EQ(qmail.decider_address, "192.0.2.25");
  EXPECT_EQ(qmail.phase, smtp::Phase::rcpt);
  EXPECT_EQ(reason(qmail), kb::Reason::relay_denied);
  auto sendmail = bounce("sendmail_transcript.eml");
  EXPECT_EQ(sendmail.reply.code, 550);
  EXPECT_EQ(sendmail.decider, "mx1.partner.example");
  EXPECT_EQ(sendmail.phase, smtp::Phase::rcpt);
  EXPECT_EQ(reason(sendmail), kb::Reason::relay_denied);
}

TEST(Read, NestedFieldsOfGmail) {
  auto r = bounce("gmail_nested_fields.eml");
  EXPECT_EQ(show(r.reply), "550 5.7.1 Unable to relay");
  EXPECT_EQ(r.decider, "mx1.partner.example");
  EXPECT_EQ(r.decider_address, "192.0.2.25");
  EXPECT_EQ(r.reporter, "googlemail.com");
}

TEST(Read, BouncesWithinOtherMail) {
  std::string octets = load("attached_by_a_user.eml");
  auto attached = only(octets, "x");
  EXPECT_EQ(show(attached.reply), "554 5.7.1 <office@partner.example>: Relay access denied");
  EXPECT_EQ(span_octets(octets, attached, "diagnostic-code"),
            "554 5.7.1 <office@partner.example>: Relay access denied");
  auto quoted = bounce("quoted_by_a_user.eml");
  EXPECT_EQ(show(quoted.reply), "554 5.7.1 <office@partner.example>: Relay access denied");
  EXPECT_EQ(quoted.recipient, "office@partner.example");
}

TEST(Read, WhatIsNoRefusalIsNamed) {
  EXPECT_EQ(bounce("list_talk_about_bounces.eml").kind, Kind::not_a_bounce);
  EXPECT_EQ(bounce("vacation.eml").kind, Kind::auto_reply);
  auto complaint = bounce("complaint.eml");
  EXPECT_EQ(complaint.kind, Kind::complaint);
  EXPECT_EQ(complaint.recipient, "bob@provider.example");
  EXPECT_EQ(read_text("").refusals.at(0).kind, Kind::not_a_bounce);
  EXPECT_EQ(read_text("Dear all, lunch is at 12:30 in room 550.").refusals.at(0).kind, Kind::not_a_bounce);
  EXPECT_EQ(read_text("From: a@x.example\nTo: b@y.example\nSubject: 554 things\n\n554 5.7.1 Relaying denied\n")
                .refusals.at(0)
                .kind,
            Kind::not_a_bounce);
}

TEST(Read, LineEndsMakeNoDifference) {
  for (auto name : {"s01_softfail_forwarding_loop.eml", "s02_mx_lacks_domain.eml", "exim_cpanel_words.eml",
                    "qmail_rcpthosts.eml", "sendmail_transcript.eml", "gmail_nested_fields.eml"}) {
    std::string lf = load(name);
    auto expected = only(lf, name);
    for (const char* end : {"\r\n", "\r"}) {
      auto got = only(replace_all(lf, "\n", end), name);
      EXPECT_EQ(show(got.decided()), show(expected.decided())) << name;
      EXPECT_EQ(got.recipient, expected.recipient) << name;
      EXPECT_EQ(got.decider, expected.decider) << name;
      EXPECT_EQ(got.phase, expected.phase) << name;
      EXPECT_EQ(got.returned.spf, expected.returned.spf) << name;
    }
  }
}

TEST(Read, AMailboxGivesAllItsMessages) {
  std::string box;
  for (auto name : {"s02_mx_lacks_domain.eml", "vacation.eml", "qmail_rcpthosts.eml"})
    box += "From MAILER-DAEMON Tue Nov 24 07:00:00 2026\n" + load(name) + "\n";
  auto result = read_text(box, "box");
  ASSERT_EQ(result.refusals.size(), 3u);
  EXPECT_EQ(result.refusals[0].reply.code, 554);
  EXPECT_EQ(result.refusals[1].kind, Kind::auto_reply);
  EXPECT_EQ(result.refusals[2].reply.code, 553);
  EXPECT_EQ(result.refusals[2].source_index, 2u);
  EXPECT_EQ(span_octets(box, result.refusals[2], "prose"),
            "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)");
}

TEST(Read, TwoRecipientsTwoRefusals) {
  std::string octets = replace_all(
      load("s02_mx_lacks_domain.eml"), "\n--4XyZ1.1795000000/out.sender.example\nContent-Description: Undelivered",
      "\nFinal-Recipient: rfc822; full@partner.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 "
      "5.2.2 "
      "Mailbox full\n\n--4XyZ1.1795000000/out.sender.example\nContent-Description: Undelivered");
  auto result = read_text(octets);
  ASSERT_EQ(result.refusals.size(), 2u);
  EXPECT_EQ(reason(result.refusals[0]), kb::Reason::relay_denied);
  EXPECT_EQ(reason(result.refusals[1]), kb::Reason::mailbox_full);
  EXPECT_EQ(result.refusals[1].phase, std::nullopt);
}

TEST(Read, ExchangeTextsPastedWithoutHeaders) {
  auto r = only(
      "Error Details\nReported error:\t550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 "
      "Relaying denied\nMessage rejected by:\tmx1.gateway.example\n\nNotification Details\nSent by:\t"
      "DB9PR02MB0001.eurprd02.prod.outlook.com\n",
      "--text");
  EXPECT_EQ(show(*r.inner), "554 5.7.1 Relaying denied");
  EXPECT_EQ(r.decider, "mx1.gateway.example");
  EXPECT_EQ(r.reporter, "db9pr02mb0001.eurprd02.prod.outlook.com");
  auto old = only(
      "Diagnostic information for administrators:\n\nGenerating server: mail.sender.example\n\n"
      "office@partner.example\nmx1.partner.example #550 5.7.1 Unable to relay ##\n\nOriginal message headers:\n"
      "\nReceived: from a.example by mail.sender.example; Tue, 24 Nov 2026\nFrom: anna@sender.example\n",
      "x");
  EXPECT_EQ(show(old.reply), "550 5.7.1 Unable to relay");
  EXPECT_EQ(old.decider, "mx1.partner.example");
  EXPECT_EQ(old.recipient, "office@partner.example");
  EXPECT_EQ(old.reporter, "mail.sender.example");
  EXPECT_TRUE(old.returned.present);
}

TEST(Read, LogLinesOfPostfix) {
  auto r = only(
      "Nov 24 07:00:00 out postfix/smtp[123]: 4XyZ1: to=<b@y.example>, orig_to=<a@x.example>, "
      "relay=mx.y.example[192.0.2.25]:25, delay=1.2, delays=0/0/1/0.2, dsn=5.7.1, status=bounced (host "
      "mx.y.example[192.0.2.25] said: 554 5.7.1 <b@y.example>: Relay access denied (in reply to RCPT TO command))",
      "log");
  EXPECT_EQ(show(r.reply), "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_EQ(r.recipient, "b@y.example");
  EXPECT_EQ(r.original_recipient, "a@x.example");
  EXPECT_EQ(r.decider, "mx.y.example");
  EXPECT_EQ(r.reporter, "out");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  auto ours = only(
      "2026-11-24T07:00:00+00:00 mail postfix/submission/smtpd[1]: NOQUEUE: reject: RCPT from "
      "unknown[192.0.2.7]: 554 5.7.1 <b@y.example>: Relay access denied; from=<a@x.example> to=<b@y.example> "
      "proto=ESMTP helo=<client>",
      "log");
  EXPECT_EQ(show(ours.reply), "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_EQ(ours.client_address, "192.0.2.7");
  EXPECT_EQ(ours.sender, "a@x.example");
  EXPECT_EQ(ours.recipient, "b@y.example");
  EXPECT_EQ(ours.decider, "mail");
  EXPECT_EQ(ours.phase, smtp::Phase::rcpt);
  EXPECT_EQ(read_text("Nov 24 07:00:00 out postfix/smtp[1]: 4X: to=<b@y.example>, relay=mx[192.0.2.1]:25, dsn=2.0.0, "
                      "status=sent (250 ok)")
                .refusals.at(0)
                .kind,
            Kind::not_a_bounce);
}

TEST(Read, LogLinesOfEximAndSendmail) {
  auto r = only(
      "2026-11-24 07:00:00 1t9abc-00000001xyz-1234 ** b@y.example R=dnslookup T=remote_smtp H=mx.y.example "
      "[192.0.2.25] X=TLS1.3: SMTP error from remote mail server after RCPT TO:<b@y.example>: 550 relay not "
      "permitted",
      "log");
  EXPECT_EQ(show(r.reply), "550 - relay not permitted");
  EXPECT_EQ(r.decider, "mx.y.example");
  EXPECT_EQ(r.decider_address, "192.0.2.25");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  auto ours = only(
      "2026-11-24 07:00:00 H=(client) [192.0.2.7] F=<a@x.example> rejected RCPT <b@y.example>: relay not "
      "permitted",
      "log");
  EXPECT_EQ(show(ours.reply), "- - relay not permitted");
  EXPECT_EQ(ours.client_address, "192.0.2.7");
  EXPECT_EQ(ours.recipient, "b@y.example");
  EXPECT_EQ(ours.sender, "a@x.example");
  EXPECT_EQ(reason(ours), kb::Reason::relay_denied);
  auto sendmail = only(
      "Nov 24 07:00:00 mail sm-mta[99]: 5AO700: ruleset=check_rcpt, arg1=<b@y.example>, "
      "relay=client.x.example [192.0.2.7], reject=550 5.7.1 <b@y.example>... Relaying denied",
      "log");
  EXPECT_EQ(show(sendmail.reply), "550 5.7.1 <b@y.example>... Relaying denied");
  EXPECT_EQ(sendmail.client_address, "192.0.2.7");
}

TEST(Read, TranscriptsAndListsOfReplies) {
  auto r = only(
      "S: 220 mx.y.example ESMTP\nC: EHLO probe.x.example\nS: 250-mx.y.example\nS: 250 AUTH PLAIN\n"
      "C: MAIL FROM:<a@x.example>\nS: 250 2.1.0 Ok\nC: RCPT TO:<b@y.example>\n"
      "S: 554 5.7.1 <b@y.example>: Relay access denied\nC: QUIT\nS: 221 Bye\n",
      "x");
  EXPECT_EQ(show(r.reply), "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  EXPECT_EQ(r.sender, "a@x.example");
  EXPECT_EQ(r.recipient, "b@y.example");
  auto swaks = only(" -> RCPT TO:<b@y.example>\n<** 550 relay not permitted\n -> QUIT\n", "x");
  EXPECT_EQ(show(swaks.reply), "550 - relay not permitted");
  EXPECT_EQ(swaks.phase, smtp::Phase::rcpt);
  auto list = read_text("554 5.7.1 Relaying denied\n550-two\n550 lines\n454 4.7.1 later\n");
  ASSERT_EQ(list.refusals.size(), 3u);
  EXPECT_EQ(show(list.refusals[1].reply), "550 - two lines");
  EXPECT_EQ(list.refusals[2].kind, Kind::delayed);
}

TEST(Read, ALineWrappedWherePasted) {
  auto r =
      only("550 5.7.367 Remote server returned not permitted to\n relay -> 554 5.7.1\n Relaying denied\n", "--text");
  ASSERT_TRUE(r.inner.has_value());
  EXPECT_EQ(show(*r.inner), "554 5.7.1 Relaying denied");
}

TEST(Read, WordsWithoutCodeAreKnownByTheCatalogue) {
  auto r = only("SMTP Error: Could not authenticate.", "--text");
  EXPECT_EQ(r.kind, Kind::failed);
  EXPECT_EQ(r.reply.code, 0);
  EXPECT_NE(reason(r), kb::Reason::unknown);
}

TEST(Read, WordsFillWhatTheReportLeavesOut) {
  std::string head =
      "From: MAILER-DAEMON@out.sender.example\nTo: anna@sender.example\nSubject: Delivery status notification: failed\n"
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n";
  std::string tail =
      "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; out.sender.example\n\n"
      "Final-Recipient: rfc822; office@partner.example\nAction: failed\nStatus: 5.0.0\n\n--b--\n";
  auto quoted = only(head + "office@partner.example: 550 5.7.1 Relaying denied\n" + tail, "x");
  EXPECT_EQ(show(quoted.reply), "550 5.7.1 Relaying denied");
  std::string octets = head + "Sorry, that domain isn't in my list of allowed rcpthosts.\n" + tail;
  auto worded = only(octets, "x");
  EXPECT_EQ(worded.reply.code, 0);
  EXPECT_EQ(worded.reply.status->to_string(), "5.0.0");
  EXPECT_EQ(reason(worded), kb::Reason::relay_denied);
  EXPECT_TRUE(icontains(span_octets(octets, worded, "prose"), "allowed rcpthosts"));
  auto silent = only(head + "It did not work.\n" + tail, "x");
  EXPECT_EQ(silent.kind, Kind::failed);
  EXPECT_EQ(silent.reply.text, "");
}

TEST(Read, AReplyOnALineOfItsOwn) {
  auto r = only("My program prints this, what is wrong?\n\n  550 5.7.1 Unable to relay\n\nThank you", "--text");
  EXPECT_EQ(show(r.reply), "550 5.7.1 Unable to relay");
}

// Each of these has broken some reader of bounces; here they have to end soon, in bounded memory.
TEST(Read, HostileInput) {
  auto head = std::string("From: MAILER-DAEMON@x.example\nTo: a@x.example\nSubject: failure notice\n");
  std::vector<std::string> inputs;
  inputs.push_back(std::string(100'000, '\0'));
  inputs.push_back(head + "\n" + std::string(8'000'000, 'x'));
  inputs.push_back(head + "\n<b@y.example>:\n" + std::string(8'000'000, '<'));
  std::string fields = head;
  for (int i = 0; i < 60'000; ++i) fields += "X-" + std::to_string(i) + ": y\n";
  inputs.push_back(fields + "\nbody");
  std::string nested = head;
  for (int i = 0; i < 500; ++i)
    nested += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\n\n--b" + std::to_string(i) + "\n";
  inputs.push_back(nested);
  std::string parts = head + "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 20'000; ++i) parts += "--b\n\nx\n";
  inputs.push_back(parts);
  std::string groups = head + "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n";
  for (int i = 0; i < 5'000; ++i)
    groups += "\nFinal-Recipient: rfc822; a" + std::to_string(i) + "@y.example\nDiagnostic-Code: smtp; 550 no\n";
  inputs.push_back(groups);
  std::string blocks = head + "\n";
  for (int i = 0; i < 5'000; ++i) blocks += "<a" + std::to_string(i) + "@y.example>: said: 550 no\n";
  inputs.push_back(blocks);
  std::string replies;
  for (int i = 0; i < 50'000; ++i) replies += "550-5.7.1 said: 550 (\n";
  inputs.push_back(replies);
  inputs.push_back(head + "Content-Type: text/html\n\n" + std::string(2'000'000, '<') + "&#x;&amp;");
  for (const auto& octets : inputs) {
    auto result = read_text(octets, "hostile");
    EXPECT_FALSE(result.refusals.empty());
    EXPECT_LE(result.refusals.size(), 1000u);
    for (const auto& refusal : result.refusals)
      for (const auto& span : refusal.evidence) EXPECT_LE(span.offset + span.length, octets.size());
  }
}

TEST(Read, EveryPrefixOfABounceIsLivedWith) {
  std::string octets = load("s01_softfail_forwarding_loop.eml");
  for (std::size_t n = 0; n < octets.size(); n += 61) EXPECT_FALSE(read_text(octets.substr(0, n)).refusals.empty());
}

}  // namespace
}  // namespace smtpdx::dsn
