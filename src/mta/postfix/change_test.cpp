// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/change.hpp"

#include <gtest/gtest.h>

#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::Server;
using Files = std::map<std::string, std::string>;

const std::string base =
    "compatibility_level = 3.6\nmyhostname = mx.home.example\nmyorigin = home.example\n"
    "mydestination = $myhostname, home.example, localhost\nlocal_recipient_maps =\n";
const std::string networks = "mynetworks = 127.0.0.0/8\n  10.0.0.0/8\n";
const std::string relay =
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n";

struct Asked {
  Session session;
  std::string main;
  Files files;
};

/// "main.cf:7 -  10.0.0.0/8 +  10.0.0.0/8, 203.0.113.9" for each line of each change, "no edit: …" for the others.
std::vector<std::string> changes(const Asked& asked) {
  Server server(asked.main, asked.files);
  const auto decision = server.ask(asked.session);
  const auto advice = change_for(server.configuration(), asked.session, decision);
  std::vector<std::string> out;
  for (const auto& change : advice.changes) {
    if (change.lines.empty()) out.push_back(change.edit);
    std::string text;
    for (const auto& line : change.lines)
      text += (text.empty() ? "" : "; ") + line.file + ":" + std::to_string(line.line) +
              (line.before ? " -" + *line.before : "") + (line.after ? " +" + *line.after : "");
    if (!change.lines.empty()) out.push_back(text);
    if (change.lines.empty()) continue;
    const auto after = edited(server.configuration(), change.lines);
    EXPECT_TRUE(after);
    EXPECT_NE(decide(*after, asked.session).verdict, decision.verdict) << text;
  }
  if (advice.changes.empty()) out.push_back("none: " + advice.none);
  return out;
}

using Lines = std::vector<std::string>;

Session from(const std::string& client, const std::string& recipient = "bob@far.example") {
  auto session = Server::session(client, recipient);
  session.tls = Tls::none;
  return session;
}
Session logged_in(Session session) {
  session.login = Login{"ann", true};
  return session;
}

TEST(Change, TrustsTheOneClientOrTakesTheDomain) {
  EXPECT_EQ(changes({from("203.0.113.9"), base + networks + relay, {}}),
            (Lines{"main.cf:7 -  10.0.0.0/8 +  10.0.0.0/8, 203.0.113.9", "main.cf:0 +relay_domains = far.example"}));
  EXPECT_EQ(changes({from("2001:db8::9"), base + networks + relay, {}})[0],
            "main.cf:7 -  10.0.0.0/8 +  10.0.0.0/8, [2001:db8::9]");
  // A list that does not ask mynetworks.
  const auto other =
      changes({from("203.0.113.9"), base + networks + "smtpd_relay_restrictions = reject_unauth_destination\n", {}});
  EXPECT_EQ(other[0],
            "main.cf:8 -smtpd_relay_restrictions = reject_unauth_destination +smtpd_relay_restrictions = "
            "check_client_access inline:{203.0.113.9=OK}, reject_unauth_destination");
}

TEST(Change, ALoginThatIsOfferedNeedsNoEdit) {
  const auto found =
      changes({from("203.0.113.9"),
               base + networks + relay,
               {{"master.cf",
                 "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n -o "
                 "smtpd_tls_security_level=encrypt -o smtpd_tls_cert_file=/x -o smtpd_sasl_auth_enable=yes\n"}}});
  EXPECT_EQ(found[0], "no edit: let the client log in on port 587 after STARTTLS; the same mail is then accepted");
}

TEST(Change, AnEditThatGivesMoreThanWasAskedForIsNotOffered) {
  // The service's own list is asked for nothing but logins: a network there opens nothing, a domain neither.
  const std::string only = "smtpd_relay_restrictions = permit_sasl_authenticated, reject\n";
  EXPECT_EQ(changes({from("203.0.113.9"), base + "mynetworks =\n" + only, {}})[0].substr(0, 9), "main.cf:7");
  // An entry of the sender table with the client's network: taking it out would let others in, too.
  const auto nested = changes({from("203.0.113.9"),
                               base + networks +
                                   "smtpd_relay_restrictions = check_client_access hash:/etc/postfix/c, "
                                   "permit_mynetworks, permit_inet_interfaces, "
                                   "check_sender_access static:OK, reject_unauth_destination\n",
                               {{"c", "203.0 REJECT\n"}}});
  EXPECT_EQ(nested, Lines{"none: no single line lets exactly this session pass and nothing else"});
  const auto own =
      changes({from("203.0.113.9", "ann@home.example"),
               base + networks + "smtpd_client_restrictions = check_client_access hash:/etc/postfix/c\n" + relay,
               {{"c", "203.0 REJECT\n"}}});
  EXPECT_EQ(own, Lines{"c:1 -203.0 REJECT"});
}

TEST(Change, LoginsBeforeTheRefusal) {
  const std::string sasl = "smtpd_sasl_auth_enable = yes\n";
  EXPECT_EQ(
      changes({logged_in(from("203.0.113.9")),
               base + networks + sasl +
                   "smtpd_relay_restrictions =\n  permit_mynetworks\n  # strangers\n  reject_unauth_destination\n",
               {}}),
      Lines{"main.cf:12 -  reject_unauth_destination +  permit_sasl_authenticated, reject_unauth_destination"});
  EXPECT_EQ(changes({logged_in(from("203.0.113.9")), base + networks + relay, {}}),
            Lines{"main.cf:0 +smtpd_sasl_auth_enable = yes"});
  EXPECT_EQ(
      changes(
          {logged_in(from("203.0.113.9")),
           base + networks +
               "smtpd_sasl_auth_enable = no\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n",
           {}})[0],
      "main.cf:8 -smtpd_sasl_auth_enable = no +smtpd_sasl_auth_enable = yes; main.cf:9 -smtpd_relay_restrictions = "
      "permit_mynetworks, reject_unauth_destination +smtpd_relay_restrictions = permit_mynetworks, "
      "permit_sasl_authenticated, reject_unauth_destination");
}

TEST(Change, NeverAPasswordInClear) {
  const auto found = changes({logged_in(from("203.0.113.9")),
                              base + networks + relay + "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n",
                              {}});
  EXPECT_EQ(found, Lines{"none: no edit is safe: a login without TLS would show the password to whoever listens"});
}

TEST(Change, AServerThatStopsStartsAgain) {
  EXPECT_EQ(
      changes({from("203.0.113.9", "ann@home.example"),
               base + networks + "smtpd_relay_restrictions = permit_mynetworks\n",
               {}}),
      Lines{"main.cf:8 -smtpd_relay_restrictions = permit_mynetworks +smtpd_relay_restrictions = permit_mynetworks, "
            "permit_sasl_authenticated, reject_unauth_destination"});
}

TEST(Change, ClosesWhatIsOpen) {
  EXPECT_EQ(changes({from("203.0.113.9"), base + "mynetworks = 127.0.0.0/8 0.0.0.0/0\n" + relay, {}}),
            Lines{"main.cf:6 -mynetworks = 127.0.0.0/8 0.0.0.0/0 +mynetworks = 127.0.0.0/8 "});
  const std::string list =
      "permit_mynetworks, permit_sasl_authenticated, check_sender_access hash:/etc/postfix/s, "
      "reject_unauth_destination";
  const auto closed = changes({from("203.0.113.9"),
                               base + networks + "smtpd_relay_restrictions = " + list + "\n",
                               {{"s", "far.example OK\n"}}});
  EXPECT_EQ(closed[0].substr(0, 9), "main.cf:8");
  // Those who log in would lose by the same edit here.
  const std::string before =
      "smtpd_sasl_auth_enable = yes\nsmtpd_relay_restrictions = check_sender_access hash:/etc/postfix/s, "
      "permit_sasl_authenticated, reject\n";
  EXPECT_EQ(changes({from("203.0.113.9"), base + networks + before, {{"s", "far.example OK\n"}}})[0],
            "none: no single line closes this without closing it for others");
}

TEST(Change, NothingForWhatIsNoMatterOfRelaying) {
  const auto found =
      changes({from("203.0.113.9", "nobody@club.example"),
               base + networks + relay +
                   "virtual_alias_domains = club.example\nvirtual_alias_maps = inline:{x@club.example=y}\n",
               {}});
  EXPECT_EQ(found[0].substr(0, 30), "none: the recipient is in none");
}

}  // namespace
}  // namespace smtpdx::mta::postfix
