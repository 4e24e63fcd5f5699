// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "dsn/reader.hpp"
#include "dsn/words.hpp"

namespace smtpdx::dsn {
namespace {

std::string show(const QuotedReply& reply) {
  std::string out = reply.code == 0 ? "-" : std::to_string(reply.code);
  out += " " + (reply.status ? reply.status->to_string() : std::string("-"));
  return out + " " + reply.text;
}

std::string decided(std::string_view text) { return show(read_reply_text(text).decided()); }
std::string inner(std::string_view text) {
  auto refusal = read_reply_text(text);
  return refusal.inner ? show(*refusal.inner) : "none";
}

std::string reason(std::string_view text) {
  auto reading = understand(read_reply_text(text), kb::Catalogue::builtin());
  return std::string(kb::to_string(reading.reason));
}

TEST(ReplyText, TheSeedLine) {
  auto r = read_reply_text("550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied");
  EXPECT_EQ(show(r.reply), "550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied");
  ASSERT_TRUE(r.inner.has_value());
  EXPECT_EQ(show(*r.inner), "554 5.7.1 Relaying denied");
  EXPECT_EQ(r.kind, Kind::failed);
  EXPECT_FALSE(r.phase.has_value());
  EXPECT_EQ(r.decider, "");
  auto reading = understand(r, kb::Catalogue::builtin());
  EXPECT_EQ(reading.reason, kb::Reason::relay_denied);
  EXPECT_EQ(reading.rule, "msexch.remote-relay-denied");
  EXPECT_FALSE(reading.wrapper_only);
  EXPECT_GE(reading.confidence, 0.8);
  EXPECT_EQ(reading.states, "");
  std::vector<std::string> six = {"m365.relay_pool_forward",  "rcpt.mx_not_configured_for_domain",
                                  "rcpt.one_mx_stale",        "rcpt.mx_host_resolves_wrong",
                                  "route.rejecter_not_in_mx", "forward.user_forward_to_closed_host"};
  auto causes = reading.causes;
  std::sort(causes.begin(), causes.end());
  std::sort(six.begin(), six.end());
  EXPECT_EQ(causes, six);
}

TEST(ReplyText, TheWrapperAloneIsSaidToBeOne) {
  auto r = read_reply_text("550 5.7.367 Remote server returned not permitted to relay");
  EXPECT_FALSE(r.inner.has_value());
  auto reading = understand(r, kb::Catalogue::builtin());
  EXPECT_EQ(reading.reason, kb::Reason::relay_denied);
  EXPECT_TRUE(reading.wrapper_only);
  EXPECT_LT(reading.confidence, 0.8);
}

TEST(ReplyText, TheInnermostReplyDecides) {
  EXPECT_EQ(reason("550 5.0.350 Remote server returned an error -> 552 5.2.2 Mailbox full"), "mailbox-full");
  EXPECT_EQ(reason("550 5.7.367 Remote server returned not permitted to relay -> 550 5.1.1 User unknown"),
            "recipient-unknown");
  EXPECT_EQ(inner("550 5.7.367 Remote server returned not permitted to relay -> Relaying denied"),
            "- - Relaying denied");
  EXPECT_EQ(inner("550 5.4.300 Message expired -> 451 4.7.1 try later -> 421 4.4.2 gone"), "421 4.4.2 gone");
}

TEST(ReplyText, WrappersOfOneLine) {
  EXPECT_EQ(inner("550 5.4.7 Message expired {LED=450 4.7.1 <b@y.example>: Relay access denied};{MSG=};"
                  "{FQDN=mx.y.example};{IP=192.0.2.25};{LRT=11/24/2026 7:00:00 AM}"),
            "450 4.7.1 <b@y.example>: Relay access denied");
  auto led =
      read_reply_text("550 5.4.7 Message expired {LED=450 4.7.1 no};{MSG=};{FQDN=MX.y.example.};{IP=192.0.2.25}");
  EXPECT_EQ(led.decider, "mx.y.example");
  EXPECT_EQ(led.decider_address, "192.0.2.25");
  EXPECT_EQ(inner("550 #5.7.1 smtp;550 5.7.1 Unable to relay for b@y.example"),
            "550 5.7.1 Unable to relay for b@y.example");
  EXPECT_EQ(decided("#< #5.7.1 smtp;550 5.7.1 Unable to relay for b@y.example> #SMTP#"),
            "550 5.7.1 Unable to relay for b@y.example");
  EXPECT_EQ(decided("smtp;550 #5.7.1 smtp;554 5.7.1 <b@y.example>: Relay access denied"),
            "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_EQ(inner("550 permanent failure for one or more recipients (b@y.example:550 5.7.1 Relaying denied)"),
            "550 5.7.1 Relaying denied");
  EXPECT_EQ(inner("554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection lost>"),
            "421 4.4.2 Connection lost");
}

TEST(ReplyText, PostfixNamesHostAndPhase) {
  auto r = read_reply_text(
      "host mx1.y.example[192.0.2.25] said: 554 5.7.1 <b@y.example>: Relay access denied (in reply to RCPT TO "
      "command)");
  EXPECT_EQ(show(r.reply), "554 5.7.1 <b@y.example>: Relay access denied");
  EXPECT_FALSE(r.inner.has_value());
  EXPECT_EQ(r.decider, "mx1.y.example");
  EXPECT_EQ(r.decider_address, "192.0.2.25");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  EXPECT_EQ(r.recipient, "b@y.example");
  EXPECT_EQ(r.client_address, "");
  auto talk = read_reply_text("host mx.y.example[2001:db8::25] refused to talk to me: 554 5.7.1 no");
  EXPECT_EQ(talk.phase, smtp::Phase::connect);
  EXPECT_EQ(talk.decider_address, "2001:db8::25");
}

TEST(ReplyText, EximAndItsManyLines) {
  auto r = read_reply_text(
      "SMTP error from remote mail server after RCPT TO:<b@y.example>: host mx.y.example [192.0.2.25]: 550-Please turn "
      "on SMTP Authentication in your mail client. 550-client.x.example [192.0.2.7]:41234 is not permitted to relay "
      "550 through this server without authentication.");
  EXPECT_EQ(r.reply.code, 550);
  EXPECT_EQ(
      r.reply.text,
      "Please turn on SMTP Authentication in your mail client. client.x.example [192.0.2.7]:41234 is not permitted "
      "to relay through this server without authentication.");
  EXPECT_EQ(r.decider, "mx.y.example");
  EXPECT_EQ(r.client_address, "192.0.2.7");
  EXPECT_EQ(r.recipient, "b@y.example");
  EXPECT_EQ(r.phase, smtp::Phase::rcpt);
  auto lines = read_reply_text(
      "550-Please turn on SMTP Authentication in your mail client.\r\n550-mail.x.example "
      "[192.0.2.7] is not permitted to relay through this server\r\n550 without authentication.");
  EXPECT_EQ(lines.reply.text,
            "Please turn on SMTP Authentication in your mail client. mail.x.example [192.0.2.7] is not "
            "permitted to relay through this server without authentication.");
  EXPECT_FALSE(lines.inner.has_value());
}

TEST(ReplyText, ACallOutIsTheOuterServersDecision) {
  std::string_view text =
      "550-Callback setup failed while verifying <a@x.example>\n550-Called: 192.0.2.7\n550-Sent: RCPT "
      "TO:<a@x.example>\n"
      "550-Response: 550 relay not permitted\n550 Sender verify failed";
  EXPECT_EQ(inner(text), "none");
  EXPECT_EQ(read_reply_text(text).reply.code, 550);
}

TEST(ReplyText, ProgramsErrorTexts) {
  std::string relay = "554 5.7.1 <b@y.example>: Relay access denied";
  auto python = read_reply_text(
      "Traceback (most recent call last):\n  File \"send.py\", line 9, in <module>\n"
      "smtplib.SMTPRecipientsRefused: {'b@y.example': (554, b'5.7.1 <b@y.example>: Relay access denied')}");
  EXPECT_EQ(show(python.reply), relay);
  EXPECT_EQ(python.recipient, "b@y.example");
  EXPECT_EQ(python.phase, smtp::Phase::rcpt);
  EXPECT_EQ(decided("(530, b'5.7.0 first\\n5.7.0 second', 'a@x.example')"), "530 5.7.0 first second");
  EXPECT_EQ(
      decided("Error: Can't send mail - all recipients were rejected: " + relay +
              "\n    at SMTPConnection._formatError (/app/node_modules/nodemailer/lib/smtp-connection/index.js:1:2)"
              "\n  code: 'EENVELOPE',\n  response: '" +
              relay + "',\n  responseCode: 554,\n  command: 'RCPT TO'"),
      relay);
  EXPECT_EQ(
      decided("com.sun.mail.smtp.SMTPAddressFailedException: " + relay + "\n\tat com.sun.mail.smtp.SMTPTransport"),
      relay);
  EXPECT_EQ(decided("System.Net.Mail.SmtpFailedRecipientException: Mailbox unavailable. The server response was: 5.7.1 "
                    "Unable to relay for b@y.example\r\n   at System.Net.Mail.SmtpTransport.SendMail"),
            "- 5.7.1 Unable to relay for b@y.example");
  EXPECT_EQ(decided("Expected response code \"250/251/252\" but got code \"554\", with message \"" + relay + "\"."),
            relay);
  EXPECT_EQ(decided("SMTP Error: The following recipients failed: b@y.example: <b@y.example>: Relay access denied SMTP "
                    "server error: RCPT TO command failed Detail: <b@y.example>: Relay access denied SMTP code: 554 "
                    "Additional SMTP info: 5.7.1"),
            relay);
  EXPECT_EQ(
      decided("Subject 'test', Account: 'x', Server: 'mail.x.example', Protocol: SMTP, Server Response: '550 relay "
              "not permitted', Port: 25, Secure(SSL): No, Server Error: 550, Error Number: 0x800CCC79"),
      "550 - relay not permitted");
  EXPECT_EQ(decided("msmtp: recipient address b@y.example not accepted by the server\nmsmtp: server message: " + relay),
            relay);
  EXPECT_EQ(
      decided("An error occurred while sending mail. The mail server responded: 5.7.1 <b@y.example>: Relay access "
              "denied."),
      "- 5.7.1 <b@y.example>: Relay access denied.");
}

TEST(ReplyText, CodesAreNeverMadeUp) {
  for (std::string_view text : {"Relay access denied", "relay not permitted", "SMTP Error: Could not authenticate.",
                                "connect to mx.y.example[192.0.2.25]:25: Connection timed out"}) {
    auto r = read_reply_text(text);
    EXPECT_EQ(r.decided().code, 0) << text;
    EXPECT_FALSE(r.decided().status.has_value()) << text;
  }
  EXPECT_EQ(read_reply_text("connect to mx.y.example[192.0.2.25]:25: Connection timed out").decider_address,
            "192.0.2.25");
  EXPECT_EQ(decided("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
            "553 5.7.1 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)");
  EXPECT_EQ(read_reply_text("listening on 127.0.0.1:587: ok").decided().code, 0);
  EXPECT_EQ(read_reply_text("").reply.code, 0);
}

TEST(ReplyText, EvidenceCoversTheWordsThatDecided) {
  std::string text = "  550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied  ";
  for (const auto& span : read_reply_text(text).evidence) EXPECT_EQ(text.substr(span.offset, span.length), span.text);
  ASSERT_EQ(read_reply_text(text).evidence.size(), 2u);
  EXPECT_EQ(read_reply_text(text).evidence[1].text, "554 5.7.1 Relaying denied");
}

TEST(ReplyText, RefusalsWordedInManyWaysAreRelayDenied) {
  for (std::string_view text : {
           "554 5.7.1 <b@y.example>: Relay access denied",
           "454 4.7.1 <b@y.example>: Relay access denied",
           "550 relay not permitted",
           "550 5.7.1 <b@y.example>... Relaying denied",
           "550 5.7.1 Unable to relay for b@y.example",
           "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
           "550 5.7.64 TenantAttribution; Relay Access Denied",
           "550 5.7.0 Mail relay denied [192.0.2.7]",
           "513 Relaying denied.",
           "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
       })
    EXPECT_EQ(reason(text), "relay-denied") << text;
}

TEST(ReplyText, HostileTextsEndSoon) {
  std::string many;
  for (int i = 0; i < 20000; ++i) many += "said: 550 ";
  read_reply_text(many);
  read_reply_text(std::string(1 << 20, '5'));
  read_reply_text(std::string("554 5.7.1 ") + std::string(1 << 20, '('));
  read_reply_text(std::string_view("\0\xff\xfe 550-\0", 9));
}

TEST(Words, PhasesAreReadWhereTheWordsSayThem) {
  using smtp::Phase;
  EXPECT_EQ(phase_in("(in reply to end of DATA command)"), Phase::end_of_data);
  EXPECT_EQ(phase_in("(in reply to DATA command)"), Phase::data);
  EXPECT_EQ(phase_in("Client was not authenticated to send anonymous mail during MAIL FROM"), Phase::mail);
  EXPECT_EQ(phase_in("NOQUEUE: reject: RCPT from unknown[192.0.2.7]"), Phase::rcpt);
  EXPECT_EQ(phase_in("Relay access denied"), std::nullopt);
}

TEST(Words, HostsAreNamesOrBracketedAddresses) {
  EXPECT_EQ(host_in("host mx.Y.example.[192.0.2.25] said").host, "mx.y.example");
  EXPECT_EQ(host_in("... while talking to mx.y.example.:").host, "mx.y.example");
  EXPECT_EQ(host_in("Connected to 192.0.2.25 but recipient was rejected").address, "192.0.2.25");
  EXPECT_TRUE(host_in("nothing [here]").empty());
}

}  // namespace
}  // namespace smtpdx::dsn
