// SPDX-License-Identifier: Apache-2.0
#include "mock/server_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "smtp/sasl.hpp"

namespace smtpdx::mock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }
const IpAddress neutral = address("203.0.113.5");

ServerPolicy mail_host() {
  ServerPolicy p;
  p.name = "mail.one.example";
  p.domains = {{"one.example", {"bob"}, true}, {"two.example", {}, true}};
  p.users = {{"alice", "sesame"}};
  return p;
}

/// One session driven by whole commands.
struct Talk {
  explicit Talk(Server& server, IpAddress client = neutral) : session(server, client) {
    greeting = session.connected();
  }
  Turn turn(std::string_view command) {
    auto turns = session.feed(std::string(command) + "\r\n");
    return turns.empty() ? Turn{} : turns.back();
  }
  std::string say(std::string_view command) { return turn(command).octets; }
  void hello() { say("EHLO probe.test"); }
  std::string rcpt(std::string_view from, std::string_view to) {
    say("RSET");
    const auto sender = say("MAIL FROM:<" + std::string(from) + ">");
    return sender.starts_with("2") ? say("RCPT TO:<" + std::string(to) + ">") : sender;
  }
  ServerSession session;
  Turn greeting;
};

TEST(ServerModel, GreetsAndListsWhatItCanDo) {
  auto p = mail_host();
  p.starttls = true;
  p.auth_tls = {"PLAIN", "LOGIN"};
  Server server(p);
  Talk talk(server);
  EXPECT_EQ(talk.greeting.octets, "220 mail.one.example ESMTP\r\n");
  const auto before = talk.say("EHLO probe.test");
  EXPECT_THAT(before, HasSubstr("250 STARTTLS\r\n"));
  EXPECT_EQ(before.find("AUTH"), std::string::npos);
  EXPECT_EQ(talk.turn("STARTTLS").then, Turn::Then::start_tls);
  talk.session.tls_established();
  EXPECT_THAT(talk.say("MAIL FROM:<>"), StartsWith("503"));  // RFC 3207 §4.2: EHLO again
  EXPECT_THAT(talk.say("EHLO probe.test"), HasSubstr("250 AUTH PLAIN LOGIN\r\n"));
}

TEST(ServerModel, KnowsItsDomainsAndRelaysForNobodyElse) {
  Server server(mail_host());
  Talk talk(server);
  talk.hello();
  EXPECT_THAT(talk.rcpt("", "BOB@one.example"), StartsWith("250"));
  EXPECT_THAT(talk.rcpt("", "postmaster@one.example"), StartsWith("250"));
  EXPECT_THAT(talk.rcpt("", "Postmaster"), StartsWith("250"));
  EXPECT_THAT(talk.rcpt("", "anybody@two.example"), StartsWith("250"));
  EXPECT_EQ(talk.rcpt("", "eve@one.example"),
            "550 5.1.1 <eve@one.example>: Recipient address rejected: User unknown in virtual mailbox table\r\n");
  EXPECT_EQ(talk.rcpt("", "bob@far.example"), "554 5.7.1 <bob@far.example>: Relay access denied\r\n");
}

TEST(ServerModel, RelaysByAddressAndByLogin) {
  auto p = mail_host();
  p.relays_for = {*Network::parse("198.51.100.0/24")};
  p.auth_plain = {"PLAIN", "LOGIN", "CRAM-MD5"};
  Server server(p);
  Talk inside(server, address("198.51.100.9"));
  inside.hello();
  EXPECT_THAT(inside.rcpt("a@one.example", "bob@far.example"), StartsWith("250"));
  Talk login(server);
  login.hello();
  EXPECT_THAT(login.rcpt("a@one.example", "bob@far.example"), StartsWith("554 5.7.1"));
  EXPECT_THAT(login.say("AUTH PLAIN " + base64_encode(std::string("\0alice\0sesame", 13))), StartsWith("235"));
  EXPECT_THAT(login.rcpt("a@one.example", "bob@far.example"), StartsWith("250"));
}

TEST(ServerModel, ALoginThatDoesNotHelp) {
  auto p = mail_host();
  p.auth_plain = {"PLAIN"};
  p.login_relays = false;
  Server server(p);
  Talk talk(server);
  talk.hello();
  EXPECT_THAT(talk.say("AUTH PLAIN " + base64_encode(std::string("\0alice\0sesame", 13))), StartsWith("235"));
  EXPECT_THAT(talk.rcpt("alice@one.example", "bob@far.example"), StartsWith("554 5.7.1"));
}

std::string log_in(Talk& talk, const std::string& mechanism, const std::string& password) {
  smtp::Credentials credentials;
  credentials.user = "alice";
  credentials.secret = password;
  credentials.mechanism = mechanism;
  auto client = smtp::make_sasl(mechanism, credentials);
  EXPECT_TRUE(client.has_value());
  auto initial = (*client)->initial();
  auto reply = talk.say("AUTH " + mechanism + (initial && *initial ? " " + base64_encode(**initial) : ""));
  for (int i = 0; i < 3 && reply.starts_with("334"); ++i) {
    auto challenge = base64_decode(trim(std::string_view(reply).substr(4)));
    auto response = (*client)->respond(*challenge);
    EXPECT_TRUE(response.has_value());
    reply = talk.say(base64_encode(*response));
  }
  return reply;
}

TEST(ServerModel, AgreesWithTheClientOnEveryMechanismItKnows) {
  auto p = mail_host();
  p.auth_plain = {"PLAIN", "LOGIN", "CRAM-MD5"};
  for (const std::string mechanism : {"PLAIN", "LOGIN", "CRAM-MD5"}) {
    Server server(p);
    Talk right(server), wrong(server);
    right.hello();
    wrong.hello();
    EXPECT_THAT(log_in(right, mechanism, "sesame"), StartsWith("235")) << mechanism;
    EXPECT_THAT(log_in(wrong, mechanism, "Sesame"), StartsWith("535")) << mechanism;
  }
  p.broken_mechanisms = {"CRAM-MD5"};
  Server server(p);
  Talk talk(server);
  talk.hello();
  EXPECT_THAT(log_in(talk, "CRAM-MD5", "sesame"), StartsWith("535"));
}

TEST(ServerModel, SendersBelongToLogins) {
  auto p = mail_host();
  p.auth_plain = {"PLAIN"};
  p.owners = {{"alice", {"alice@one.example"}}};
  Server server(p);
  Talk talk(server);
  talk.hello();
  log_in(talk, "PLAIN", "sesame");
  EXPECT_EQ(talk.rcpt("boss@one.example", "bob@far.example"),
            "553 5.7.1 <boss@one.example>: Sender address rejected: not owned by user alice\r\n");
  EXPECT_THAT(talk.rcpt("alice@one.example", "bob@far.example"), StartsWith("250"));
}

TEST(ServerModel, NothingGoesWithoutTlsWhereItIsDemanded) {
  auto p = mail_host();
  p.starttls = true;
  p.tls_required = "530 5.7.0 Must issue a STARTTLS command first";
  Server server(p);
  Talk talk(server);
  talk.hello();
  EXPECT_THAT(talk.say("MAIL FROM:<>"), StartsWith("530 5.7.0"));
  EXPECT_THAT(talk.say("NOOP"), StartsWith("250"));
}

TEST(ServerModel, ClientAndGreetingAreJudgedAtRcptUnlessAtOnce) {
  auto p = mail_host();
  p.clients = {{*Network::parse("203.0.113.66"), "554 5.7.1 Client host [%c] blocked"}};
  p.helo_not_full = "504 5.5.2 <%h>: Helo command rejected: need fully-qualified hostname";
  Server late(p);
  Talk listed(late, address("203.0.113.66"));
  listed.hello();
  EXPECT_EQ(listed.rcpt("", "bob@one.example"), "554 5.7.1 Client host [203.0.113.66] blocked\r\n");
  Talk printer(late);
  EXPECT_THAT(printer.say("EHLO printer"), StartsWith("250"));
  EXPECT_THAT(printer.rcpt("", "bob@one.example"), StartsWith("504 5.5.2 <printer>"));
  p.reject = ServerPolicy::DelayReject::at_once;
  Server early(p);
  EXPECT_THAT(Talk(early, address("203.0.113.66")).greeting.octets, StartsWith("554 5.7.1"));
  EXPECT_THAT(Talk(early).say("EHLO printer"), StartsWith("504"));
}

TEST(ServerModel, GreylistingCountsConnections) {
  auto p = mail_host();
  p.greylisted = "450 4.2.0 <%r>: Recipient address rejected: Greylisted";
  Server server(p);
  Talk first(server);
  first.hello();
  EXPECT_THAT(first.rcpt("", "bob@one.example"), StartsWith("450"));
  EXPECT_THAT(first.rcpt("", "bob@one.example"), StartsWith("450"));
  Talk second(server);
  second.hello();
  EXPECT_THAT(second.rcpt("", "bob@one.example"), StartsWith("250"));
  EXPECT_THAT(second.rcpt("other@x.example", "bob@one.example"), StartsWith("450"));
}

TEST(ServerModel, LosesItsPatience) {
  auto p = mail_host();
  p.max_refused = 1;
  p.max_connections = 2;
  Server server(p);
  Talk talk(server);
  talk.hello();
  EXPECT_THAT(talk.rcpt("", "a@far.example"), StartsWith("554"));
  talk.say("RSET");
  talk.say("MAIL FROM:<>");
  const auto last = talk.turn("RCPT TO:<b@far.example>");
  EXPECT_THAT(last.octets, StartsWith("421 4.7.0 mail.one.example"));
  EXPECT_EQ(last.then, Turn::Then::close);
  Talk second(server), third(server);
  EXPECT_THAT(second.greeting.octets, StartsWith("220"));
  EXPECT_THAT(third.greeting.octets, StartsWith("421"));
  EXPECT_EQ(third.greeting.then, Turn::Then::close);
}

TEST(ServerModel, MisbehavesWhereItIsToldTo) {
  auto p = mail_host();
  p.starttls = true;
  p.behaviour[Moment::rcpt].end = Behaviour::End::reset;
  p.behaviour[Moment::mail].delay = std::chrono::seconds(3);
  p.behaviour[Moment::starttls].raw = "220 go\r\n250 injected\r\n";
  p.behaviour[Moment::rset].reply = "421 4.3.2 %n going down";
  Server server(p);
  Talk talk(server);
  talk.hello();
  EXPECT_EQ(talk.turn("MAIL FROM:<>").delay, Duration(std::chrono::seconds(3)));
  const auto cut = talk.turn("RCPT TO:<bob@one.example>");
  EXPECT_EQ(cut.octets, "");
  EXPECT_EQ(cut.then, Turn::Then::reset);
  EXPECT_TRUE(talk.session.over());
  Talk injected(server);
  injected.hello();
  const auto tls = injected.turn("STARTTLS");
  EXPECT_EQ(tls.octets, "220 go\r\n250 injected\r\n");
  EXPECT_EQ(tls.then, Turn::Then::start_tls);
  Talk down(server);
  EXPECT_EQ(down.turn("RSET").then, Turn::Then::close);
}

TEST(ServerModel, TakesCommandsInAnyPiecesAndOneAfterTheOther) {
  Server server(mail_host());
  ServerSession session(server, neutral);
  session.connected();
  EXPECT_TRUE(session.feed("EHLO pro").empty());
  EXPECT_EQ(session.feed("be.test\r").size(), 0u);
  const auto turns = session.feed("\nMAIL FROM:<>\r\nRCPT TO:<bob@one.example>\nDATA\r\n");
  ASSERT_EQ(turns.size(), 4u);
  EXPECT_THAT(turns[3].octets, StartsWith("354"));
  EXPECT_TRUE(session.feed("Subject: x\r\n\r\n..\r\n").empty());
  const auto last = session.feed(".\r\nQUIT\r\nNOOP\r\n");
  ASSERT_EQ(last.size(), 2u);  // nothing is answered after QUIT
  EXPECT_THAT(last[0].octets, StartsWith("250 2.0.0 Ok: queued"));
  EXPECT_EQ(last[1].then, Turn::Then::close);
}

TEST(ServerModel, GivesUpOnALineWithoutEnd) {
  Server server(mail_host());
  ServerSession session(server, neutral);
  session.connected();
  const auto turns = session.feed(std::string(70000, 'x'));
  ASSERT_EQ(turns.size(), 1u);
  EXPECT_EQ(turns[0].then, Turn::Then::close);
  EXPECT_TRUE(session.over());
}

}  // namespace
}  // namespace smtpdx::mock
