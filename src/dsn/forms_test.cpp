// SPDX-License-Identifier: Apache-2.0
// Bounces of many makers, each in a few lines of our own: which recipients, which words, which reason.

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "dsn/reader.hpp"

namespace smtpdx::dsn {
namespace {

const std::string head =
    "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mail.y.example>\nTo: alice@x.example\n"
    "Subject: Undelivered Mail Returned to Sender\nDate: Tue, 24 Nov 2026 09:00:00 +0000\n";

std::vector<Refusal> refusals(const std::string& octets) {
  auto all = read({"x", octets}).refusals;
  for (const auto& refusal : all)
    for (const auto& span : refusal.evidence) EXPECT_LE(span.offset + span.length, octets.size());
  return all;
}

std::string line(const Refusal& refusal) {
  const QuotedReply& decided = refusal.decided();
  std::string status = decided.status         ? decided.status->to_string()
                       : refusal.reply.status ? refusal.reply.status->to_string()
                                              : "-";
  std::string reason(refusal.is_refusal() ? kb::to_string(understand(refusal, kb::Catalogue::builtin()).reason) : "-");
  return std::string(to_string(refusal.kind)) + " " + refusal.recipient + " " + std::to_string(decided.code) + " " +
         status + " " + reason;
}

std::string one(const std::string& octets) {
  auto all = refusals(octets);
  EXPECT_EQ(all.size(), 1u) << octets;
  return line(all.at(0));
}

TEST(Forms, CodesAmongTheWords) {
  EXPECT_EQ(
      one(head + "\nHi. This is the qmail-send program at y.example.\n\n<bob@y.example>:\nSorry, no mailbox here by "
                 "that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nSubject: x\n"),
      "failed bob@y.example 0 5.1.1 recipient-unknown");
  EXPECT_EQ(
      one(head + "\nA message could not be delivered.\n\nbob@y.example Invalid Address, ERROR_CODE :550, ERROR_CODE "
                 ":5.2.2 mailbox full\n"),
      "failed bob@y.example 550 5.2.2 mailbox-full");
  EXPECT_EQ(one(head + "\n[Status: Error, Address: <bob@y.example>, ResponseCode 421, , Host not reachable.]\n"),
            "delayed bob@y.example 421 - connection");
}

TEST(Forms, AddressAndWordsOnOneLine) {
  EXPECT_EQ(
      one(head +
          "\n   Hi!\n   An error has occurred for:\n\nbob@y.example: Envelope expired\n\n   Below is a copy of the "
          "original message:\n\nSubject: x\n"),
      "failed bob@y.example 0 - expired");
  EXPECT_EQ(one(head + "\n---The following addresses had delivery errors---\n\nbob@y.example [User unknown]\n"),
            "failed bob@y.example 0 - recipient-unknown");
}

TEST(Forms, TheRecipientIsNotTheOneWhoGetsTheReport) {
  EXPECT_EQ(
      one(head +
          "\nTo: alice@x.example\nSubject: Undeliverable\n\nundeliverable to bob@y.example\n\n550 mailbox full\n"),
      "failed bob@y.example 550 - mailbox-full");
}

TEST(Forms, RecipientsThatShareWhatFollows) {
  auto all = refusals(
      head +
      "\nDelivery failed to these recipients:\n\n  bob@y.example\n  carol@y.example\n\n550 5.1.1 User unknown\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(line(all[0]), "failed bob@y.example 550 5.1.1 recipient-unknown");
  EXPECT_EQ(line(all[1]), "failed carol@y.example 550 5.1.1 recipient-unknown");
}

TEST(Forms, InATranscriptTheQuotedReplyGoesBeforeTheSummary) {
  EXPECT_EQ(
      one(head +
          "\n   ----- Transcript of session follows -----\nWhile talking to mx.y.example:\n>>> MAIL "
          "From:<alice@x.example>\n<<< 550 Insecure Mail Relay\n554 <bob@y.example>... Remote protocol error\n\n   "
          "----- Unsent message follows -----\nSubject: x\n"),
      "failed bob@y.example 550 - relay-denied");
}

TEST(Forms, UnknownAfterTheMessageWasTakenIsAFilter) {
  const std::string text =
      "\nThe mail system\n\n<bob@y.example>: host mx.y.example[192.0.2.25] said: 550 Unknown user "
      "bob@y.example (in reply to ";
  EXPECT_EQ(one(head + text + "end of DATA command)\n"), "failed bob@y.example 550 - recipient-blocked");
  EXPECT_EQ(one(head + text + "RCPT TO command)\n"), "failed bob@y.example 550 - recipient-unknown");
  // The code says that the address is meant: servers that look their users up late.
  EXPECT_EQ(
      one(head +
          "\n<bob@y.example>: host mx.y.example[192.0.2.25] said: 550 5.1.1 User unknown (in reply to end of DATA "
          "command)\n"),
      "failed bob@y.example 550 5.1.1 recipient-unknown");
}

TEST(Forms, ALocalProgramFailed) {
  const std::string report =
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\n"
      "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.y.example\n\nFinal-Recipient: rfc822; "
      "bob@y.example\nAction: failed\nStatus: 5.3.0\nDiagnostic-Code: ";
  EXPECT_EQ(one(head + report + "X-Unix; 71\n--b--\n"), "failed bob@y.example 0 5.3.0 local-delivery");
  EXPECT_EQ(one(head + report + "X-Unix; mailbox full\n--b--\n"), "failed bob@y.example 0 5.3.0 mailbox-full");
}

TEST(Forms, AReportThatBreaksOffTakesTheWordsAboveIt) {
  std::string text =
      head +
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: "
      "text/plain\n\n<bob@y.example>: host mx.y.example[192.0.2.25] said: 552 5.2.2 Mailbox full (in reply to "
      "RCPT TO command)\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; "
      "mail.y.example\n\nFinal-Recipient: rfc822; bo";
  EXPECT_EQ(one(text), "failed bob@y.example 552 5.2.2 mailbox-full");
}

TEST(Forms, QuotedWithHeaderAndAllItIsReadLikeTheBounceItself) {
  std::string bounce = head + "\nSorry.\n\n<bob@y.example>:\n>>> RCPT TO:<bob@y.example>\n<<< 550 5.1.1 No such user\n";
  std::string forward = "From: Alice <alice@x.example>\nTo: help@x.example\nSubject: what is this?\n\nHello,\n\n";
  for (auto words : split_lines(bounce)) forward += "> " + std::string(words) + "\n";
  auto all = refusals(forward);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(line(all[0]), "failed bob@y.example 550 5.1.1 recipient-unknown");
  for (const auto& span : all[0].evidence)
    EXPECT_NE(forward.substr(span.offset, span.length).find("No such user"), std::string::npos) << span.what;
}

TEST(Forms, NotificationsOfAmazonSes) {
  const std::string text =
      R"({"Type":"Notification","Message":"{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[)"
      R"({\"emailAddress\":\"bob@y.example\",\"action\":\"failed\",\"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"},)"
      R"({\"emailAddress\":\"carol@y.example\",\"status\":\"5.2.2\",\"diagnosticCode\":\"smtp; 552 5.2.2 mailbox full\"}],)"
      R"(\"reportingMTA\":\"dns; a1.smtp-out.amazonses.com\"},\"mail\":{\"source\":\"alice@x.example\"}}"})";
  for (const auto& octets : {text, "From: no-reply@sns.example\nSubject: AWS Notification Message\n\n" + text}) {
    auto all = refusals(octets);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(line(all[0]), "failed bob@y.example 550 5.1.1 recipient-unknown");
    EXPECT_EQ(line(all[1]), "failed carol@y.example 552 5.2.2 mailbox-full");
    EXPECT_EQ(all[0].reporter, "a1.smtp-out.amazonses.com");
  }
  EXPECT_EQ(one(R"({"eventType":"Delivery","delivery":{"recipients":["bob@y.example"]}})"),
            "delivered bob@y.example 0 - -");
}

TEST(Forms, EachComplainedOfRecipient) {
  auto all = refusals(
      "From: fbl@y.example\nSubject: complaint\nContent-Type: multipart/report; report-type=feedback-report; "
      "boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: "
      "bob@y.example\nOriginal-Rcpt-To: carol@y.example\n\n--b--\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(line(all[1]), "complaint carol@y.example 0 - -");
}

TEST(Forms, WhatIsNoFailure) {
  EXPECT_EQ(one("Return-Path: <>\nFrom: bob@y.example\nSubject: Re: x\nAuto-Submitted: auto-replied\n\nI am away until "
                "Monday.\n"),
            "auto-reply bob@y.example 0 - -");
  EXPECT_EQ(one("From: postmaster@y.example\nSubject: Successful Mail Delivery Report\n\nYour message was successfully "
                "delivered "
                "to the destination(s) listed below.\n"),
            "delivered postmaster@y.example 0 - -");
}

TEST(Forms, WordsInOtherLanguagesAndCharacterSets) {
  const std::string part = "MIME-Version: 1.0\nContent-Type: text/plain; charset=";
  EXPECT_EQ(one(head + part +
                "utf-8\n\nDie Nachricht an <bob@y.example> konnte nicht zugestellt werden: Das Postfach ist voll.\n"),
            "failed bob@y.example 0 - mailbox-full");
  EXPECT_EQ(one(head + part + "iso-8859-1\n\nbob@y.example\n\nLa bo\xEEte aux lettres pleine.\n"),
            "failed bob@y.example 0 - mailbox-full");
  EXPECT_EQ(one(head + part + "koi8-r\n\nbob@y.example: \xD1\xDD\xC9\xCB \xD0\xC5\xD2\xC5\xD0\xCF\xCC\xCE\xC5\xCE\n"),
            "failed bob@y.example 0 - mailbox-full");
  EXPECT_EQ(one(head + part + "uft-8\n\nbob@y.example\n\n邮箱不存在\n"), "failed bob@y.example 0 - recipient-unknown");
}

TEST(Forms, WhoseNameDoesNotExist) {
  EXPECT_EQ(one(head + "\n<bob@y.example>: host mx.y.example[192.0.2.25] said: 553 x.example does not exist\n"),
            "failed bob@y.example 553 - sender-rejected");
}

TEST(Forms, TheOwnNameThatIsMissing) {
  const std::string said = "\n<bob@z.example>: host mx.z.example[192.0.2.25] said: 553 ";
  EXPECT_EQ(one(head + said + "mail.y.example does not exist\n"), "failed bob@z.example 553 - rdns-invalid");
  EXPECT_EQ(one(head + said + "other.example does not exist\n"), "failed bob@z.example 553 - sender-rejected");
}

TEST(Forms, ASubjectThatIsTheReason) {
  std::string domino =
      "From: Postmaster@y.example\nTo: alice@x.example\nSubject: DELIVERY FAILURE: User Bob (bob@y.example) not listed "
      "in\n"
      " Domino Directory\n\n";
  EXPECT_EQ(one(domino), "failed bob@y.example 0 - recipient-unknown");
  // Elsewhere the subject may be the returned message's own.
  std::string other = "From: Postmaster@y.example\nTo: alice@x.example\nSubject: Undeliverable: my mailbox is full\n\n";
  EXPECT_EQ(refusals(other).at(0).reply.text, "");
}

TEST(Forms, WordsThatNobodyListed) {
  std::string mail =
      head + "\nHello,\nyour letter has come back.\n\n  <bob@y.example>\n  There is no room left in his mailbox.\n";
  EXPECT_EQ(one(mail), "failed bob@y.example 0 - mailbox-full");
  EXPECT_EQ(refusals("Dear all, my mailbox is rather full, sorry.\nPlease write to bob instead.\n").at(0).kind,
            Kind::not_a_bounce);
}

TEST(Forms, AReplyIsAnAnswer) {
  // X.4.1 means that nobody answered; a 550 was an answer.
  EXPECT_EQ(line(read_reply_text("550 5.4.1 <bob@y.example>:")), "failed bob@y.example 550 5.4.1 unknown");
  EXPECT_EQ(line(read_reply_text("451 4.4.1 host")), "delayed  451 4.4.1 connection");
}

}  // namespace
}  // namespace smtpdx::dsn
