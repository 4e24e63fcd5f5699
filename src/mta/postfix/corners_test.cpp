// SPDX-License-Identifier: Apache-2.0
//
// What real servers taught: each of these was answered wrongly from memory or the manual first.

#include <gtest/gtest.h>

#include "mta/postfix/decide.hpp"
#include "mta/postfix/testing.hpp"

namespace smtpdx::mta::postfix {
namespace {

using testing::brief;
using testing::by;
using testing::Server;

const std::string base =
    "compatibility_level = 3.6\n"
    "myhostname = mx.home.example\n"
    "mydestination = $myhostname, home.example\n"
    "mynetworks = 127.0.0.0/8\n"
    "local_recipient_maps = inline:{ann=x}\n";
const std::string relay = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n";

std::string ask(const std::string& config, const std::string& recipient = "ann@home.example") {
  return brief(Server(base + config).ask("203.0.113.9", recipient));
}

TEST(Corners, DeferralsAreKeptAndRefusalsSoftened) {
  const std::string if_permit = "smtpd_client_restrictions = defer_if_permit\n";
  EXPECT_EQ(ask(relay + if_permit), "refused 450 4.7.0");
  EXPECT_EQ(ask(relay + if_permit, "bob@far.example"), "refused 554 5.7.1");
  // defer_if_reject holds for its own list …
  EXPECT_EQ(ask(relay + "smtpd_client_restrictions = defer_if_reject, reject\n"), "refused 450 4.7.0");
  EXPECT_EQ(ask(relay + "smtpd_client_restrictions = defer_if_reject\n", "bob@far.example"), "refused 554 5.7.1");
  // … and from the relay list on into the recipient list; a refusal for now stays as it is.
  const std::string from_relay =
      "smtpd_relay_restrictions = permit_mynetworks, defer_if_reject, reject_unauth_destination\n";
  EXPECT_EQ(ask(from_relay + "smtpd_recipient_restrictions = reject\n"), "refused 450 4.7.0");
  EXPECT_EQ(ask(from_relay + "smtpd_recipient_restrictions = defer\n"), "refused 450 4.3.2");
  // soft_bounce does not make it one for now.
  EXPECT_EQ(ask(relay + "soft_bounce = yes\nsmtpd_client_restrictions = defer_if_reject, reject\n"),
            "refused 450 4.7.0");
}

TEST(Corners, WithBothDeferralsTheListBreaksOff) {
  const Server server(base + relay + "smtpd_client_restrictions = defer_if_reject, defer_if_permit, reject\n");
  const auto own = server.ask("203.0.113.9", "ann@home.example");
  EXPECT_EQ(brief(own), "refused 450 4.7.0");
  EXPECT_NE(own.text.find("defer_if_permit requested"), std::string::npos) << own.text;
  EXPECT_EQ(brief(server.ask("203.0.113.9", "bob@far.example")), "refused 554 5.7.1");
}

TEST(Corners, AccessTables) {
  const auto client = [](const std::string& action) {
    return relay + "smtpd_client_restrictions = check_client_access inline:{ {203.0.113.9=" + action + "} }, reject\n";
  };
  EXPECT_EQ(ask(client("RELAY")), "accepted 250 2.1.5");
  EXPECT_EQ(ask(client("DEFER_IF_PERMIT")), "refused 554 5.7.1");
  const Server later(base + relay +
                     "smtpd_client_restrictions = check_client_access inline:{ {203.0.113.9=DEFER_IF_PERMIT} }\n");
  EXPECT_EQ(later.ask("203.0.113.9", "ann@home.example").text,
            "<unknown[203.0.113.9]>: Client host rejected: Service unavailable");
}

TEST(Corners, AddressesThatAlwaysExist) {
  EXPECT_EQ(ask(relay, "bob@home.example"), "refused 550 5.1.1");
  for (const char* address : {"postmaster@home.example", "MAILER-DAEMON@home.example", "double-bounce@home.example"})
    EXPECT_EQ(ask(relay, address), "accepted 250 2.1.5") << address;
}

TEST(Corners, ACodeThatIsNoneIsReplaced) {
  const auto config = "smtpd_relay_restrictions = defer_unauth_destination\nrelay_domains_reject_code = 454\n";
  EXPECT_EQ(ask(config, "bob@far.example"), "refused 450 4.7.1");
  EXPECT_EQ(Server(base + config).ask("203.0.113.9", "bob@far.example").text, "Service unavailable");
}

TEST(Corners, HeloIsAskedBeforeAndAfterStarttls) {
  const std::string tls = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/postfix/a.pem\n";
  const Server early(base + relay + tls +
                     "smtpd_delay_reject = no\nsmtpd_helo_restrictions = reject_plaintext_session\n");
  auto session = Server::session("203.0.113.9", "ann@home.example");
  session.tls = Tls::starttls;
  EXPECT_EQ(brief(early.ask(session)), "refused 450 4.7.1");
  EXPECT_EQ(early.ask(session).stage, Stage::ehlo);
  const Server late(base + relay + tls + "smtpd_helo_restrictions = reject_plaintext_session\n");
  EXPECT_EQ(brief(late.ask(session)), "accepted 250 2.1.5");
  const Server without(base + relay + "smtpd_tls_security_level = may\n");
  EXPECT_EQ(brief(without.ask(session)), "refused 454 4.7.0");
  EXPECT_EQ(without.ask(session).stage, Stage::starttls);
}

TEST(Corners, SendersWithoutOwnersBelongToNobodyWhoIsLoggedIn) {
  const Server server(base + relay +
                      "smtpd_sasl_auth_enable = yes\nsmtpd_sender_restrictions = reject_sender_login_mismatch\n");
  auto session = Server::session("203.0.113.9", "ann@home.example");
  session.login = Login{"ann", true};
  EXPECT_EQ(brief(server.ask(session)), "refused 553 5.7.1");
  session.login.reset();
  EXPECT_EQ(brief(server.ask(session)), "accepted 250 2.1.5");
}

}  // namespace
}  // namespace smtpdx::mta::postfix
