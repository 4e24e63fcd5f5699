// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mta/postfix/decide.hpp"
#include "mta/postfix/testing.hpp"
#include "mta/zone_file.hpp"

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
    "local_recipient_maps =\n";
const std::string relay = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n";

const ZoneFile& world() {
  static const ZoneFile zone = *ZoneFile::parse(R"({
    "records": {
      "9.113.0.203.in-addr.arpa": {"PTR": ["client.far.example"]},
      "client.far.example": {"A": ["203.0.113.9"]},
      "10.113.0.203.in-addr.arpa": {"PTR": ["liar.far.example"]},
      "liar.far.example": {"A": ["203.0.113.200"]},
      "far.example": {"MX": [[10, "mx.far.example"]], "NS": ["ns.far.example"]},
      "mx.far.example": {"A": ["203.0.113.25"]},
      "alias.example": {"CNAME": ["far.example"]},
      "nomail.example": {"MX": [[0, "."]]},
      "website.example": {"MX": [[0, "."]], "A": ["203.0.113.80"]},
      "backed.example": {"MX": [[10, "mx.far.example"], [20, "mx.home.example"]]},
      "first.example": {"MX": [[10, "mx.home.example"], [20, "mx.far.example"]]},
      "9.113.0.203.list.example": {"A": ["127.0.0.4"], "TXT": ["see list.example"]},
      "far.example.names.example": {"A": ["127.0.1.2"]}
    },
    "servfail": ["broken.example", "11.113.0.203.in-addr.arpa"]})");
  return zone;
}

Decision ask(const std::string& config, const std::string& client, const std::string& recipient = "ann@home.example",
             const std::string& sender = "joe@far.example") {
  const Server server(base + config);
  auto session = Server::session(client, recipient, sender);
  session.client_name.reset();
  session.names = [](const std::string& name, dns::Type type) { return world().find(name, type); };
  return server.ask(session);
}

TEST(DnsRestrictions, ClientsAreNamedByPtrAndBack) {
  const auto config = relay + "smtpd_client_restrictions = reject_unknown_client_hostname\n";
  EXPECT_EQ(brief(ask(config, "203.0.113.9")), "accepted 250 2.1.5");
  const auto liar = ask(config + "unknown_client_reject_code = 550\n", "203.0.113.10");
  EXPECT_EQ(brief(liar), "refused 550 5.7.25");
  EXPECT_EQ(liar.text, "Client host rejected: cannot find your hostname, [203.0.113.10]");
  // A look-up that fails for now refuses for now, whatever the code says.
  EXPECT_EQ(brief(ask(config + "unknown_client_reject_code = 550\n", "203.0.113.11")), "refused 450 4.7.25");
  const auto reverse = relay + "smtpd_client_restrictions = reject_unknown_reverse_client_hostname\n";
  EXPECT_EQ(brief(ask(reverse, "203.0.113.10")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(ask(reverse, "203.0.113.12")), "refused 450 4.7.1");
}

TEST(DnsRestrictions, DomainsWithoutMxOrAddress) {
  const auto config = relay + "smtpd_sender_restrictions = reject_unknown_sender_domain\n";
  EXPECT_EQ(brief(ask(config, "203.0.113.9")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "ann@home.example", "joe@alias.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "ann@home.example", "joe@nowhere.example")), "refused 450 4.1.8");
  const auto null_mx = ask(config, "203.0.113.9", "ann@home.example", "joe@nomail.example");
  EXPECT_EQ(brief(null_mx), "refused 550 5.7.27");
  EXPECT_EQ(null_mx.text,
            "<joe@nomail.example>: Sender address rejected: Domain nomail.example does not accept mail (nullMX)");
  // An address beside it does not help.
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "ann@home.example", "joe@website.example")), "refused 550 5.7.27");
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "ann@home.example", "")), "accepted 250 2.1.5");
}

TEST(DnsRestrictions, ATemporaryFailurePutsOffWhatWouldBePermitted) {
  const auto config = relay + "smtpd_sender_restrictions = reject_unknown_sender_domain\n";
  const auto put_off = ask(config, "203.0.113.9", "ann@home.example", "joe@broken.example");
  EXPECT_EQ(brief(put_off), "refused 450 4.1.8");
  EXPECT_EQ(put_off.trace[0].result, "defer if permitted");
  // … and leaves alone what is refused anyhow.
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "bob@far.example", "joe@broken.example")), "refused 554 5.7.1");
}

TEST(DnsRestrictions, BackupExchangersButNotFirstOnes) {
  const auto config = "smtpd_relay_restrictions = permit_mynetworks, permit_mx_backup, reject_unauth_destination\n";
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "bob@backed.example")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "bob@first.example")), "refused 554 5.7.1");
  EXPECT_EQ(brief(ask(config, "203.0.113.9", "bob@far.example")), "refused 554 5.7.1");
  const auto broken = ask(config, "203.0.113.9", "bob@broken.example");
  EXPECT_EQ(brief(broken), "refused 450 4.4.4");
  EXPECT_EQ(by(broken), "reject_unauth_destination main.cf:6");
  EXPECT_EQ(brief(ask(std::string(config) + "permit_mx_backup_networks = 198.51.100.0/24\n", "203.0.113.9",
                      "bob@backed.example")),
            "refused 554 5.7.1");
}

TEST(DnsRestrictions, BlocklistsWithTheirFiltersAndWords) {
  const auto with = [](const std::string& restriction) {
    return relay + "smtpd_recipient_restrictions = " + restriction + ", permit\n";
  };
  const auto listed = ask(with("reject_rbl_client list.example"), "203.0.113.9");
  EXPECT_EQ(brief(listed), "refused 554 5.7.1");
  EXPECT_EQ(listed.text, "Service unavailable; Client host [203.0.113.9] blocked using list.example; see list.example");
  EXPECT_EQ(brief(ask(with("reject_rbl_client list.example=127.0.0.[2;4..5]"), "203.0.113.9")), "refused 554 5.7.1");
  EXPECT_EQ(brief(ask(with("reject_rbl_client list.example=127.0.0.[5..9]"), "203.0.113.9")), "accepted 250 2.1.5");
  EXPECT_EQ(brief(ask(with("reject_rbl_client broken.example"), "203.0.113.9")), "accepted 250 2.1.5");
  EXPECT_EQ(ask(with("reject_rhsbl_sender names.example"), "203.0.113.9").text,
            "Service unavailable; Sender address [joe@far.example] blocked using names.example");
}

TEST(DnsRestrictions, TablesOfServersMayNotPermit) {
  const auto with = [](const std::string& table) {
    return relay + "smtpd_sender_restrictions = check_sender_mx_access inline:{" + table + "}\n";
  };
  const auto refused = ask(with("{203.0.113=REJECT no}"), "203.0.113.9");
  EXPECT_EQ(brief(refused), "refused 554 5.7.1");
  EXPECT_EQ(refused.text, "<joe@far.example>: Sender address rejected: no");
  EXPECT_EQ(brief(ask(with("mx.far.example=OK"), "203.0.113.9")), "refused 451 4.3.5");
  EXPECT_EQ(brief(ask(with("198.51.100=REJECT"), "203.0.113.9")), "accepted 250 2.1.5");
}

TEST(DnsRestrictions, WhatIsNotToldIsUnknownNotGuessed) {
  const Server server(base + relay + "smtpd_client_restrictions = reject_unknown_client_hostname\n");
  auto session = Server::session("203.0.113.9", "ann@home.example");
  session.client_name.reset();
  EXPECT_EQ(server.ask(session).verdict, Verdict::unknown);
  session.names = [](const std::string&, dns::Type) { return std::optional<dns::Answer>(); };
  EXPECT_EQ(server.ask(session).verdict, Verdict::unknown);
}

TEST(ZoneFile, SaysWhatIsWrongWithIt) {
  for (const char* text : {"", "[]", "{}", R"({"records": {"a.example": {"MX": [["x", "y"]]}}})",
                           R"({"records": {"a.example": {"A": ["2001:db8::1"]}}})",
                           R"({"records": {"a.example": {"FOO": ["x"]}}})", R"({"records": {}, "servfail": 1})"})
    EXPECT_FALSE(ZoneFile::parse(text)) << text;
  EXPECT_EQ(world().find("no.such.example", dns::Type::A).status, dns::Status::no_name);
  EXPECT_EQ(world().find("far.example", dns::Type::A).status, dns::Status::no_data);
  EXPECT_EQ(world().find("X.BROKEN.example", dns::Type::A).status, dns::Status::servfail);
}

}  // namespace
}  // namespace smtpdx::mta::postfix
