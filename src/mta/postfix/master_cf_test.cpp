// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix/master_cf.hpp"

#include <gtest/gtest.h>

namespace smtpdx::mta::postfix {
namespace {

TEST(MasterCf, ServicesPortsAndOverrides) {
  const auto master = MasterCf::parse({"master.cf",
                                       "# comment\n"
                                       "smtp       inet  n - n - - smtpd\n"
                                       "submission inet  n - n - - smtpd\n"
                                       "  -o syslog_name=postfix/submission\n"
                                       "# -o smtpd_sasl_auth_enable=no\n"
                                       "  -o smtpd_sasl_auth_enable=yes\n"
                                       "  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }\n"
                                       "  -v -o smtpd_sasl_auth_enable=later\n"
                                       "[::1]:smtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
                                       "192.0.2.1:2525 inet n - n - - smtpd\n"
                                       "smtp       unix  - - n - - smtp\n"});
  ASSERT_TRUE(master) << master.error().message;
  ASSERT_EQ(master->services().size(), 5u);
  const auto on_587 = master->on_port(587);
  ASSERT_EQ(on_587.size(), 1u);
  const auto& overrides = on_587[0]->overrides;
  EXPECT_EQ(overrides.at("smtpd_sasl_auth_enable").value.text(), "later");
  EXPECT_EQ(overrides.at("smtpd_relay_restrictions").value.text(), "permit_sasl_authenticated, reject");
  EXPECT_EQ(overrides.at("smtpd_relay_restrictions").where.to_string(), "master.cf:7");
  EXPECT_EQ(master->on_port(25).size(), 1u);
  ASSERT_EQ(master->on_port(465).size(), 1u);
  EXPECT_EQ(master->on_port(465)[0]->host(), "::1");
  ASSERT_EQ(master->on_port(2525).size(), 1u);
  EXPECT_EQ(master->on_port(2525)[0]->host(), "192.0.2.1");
  EXPECT_TRUE(master->on_port(0).empty());
}

TEST(MasterCf, OptionsBehindACommentedServiceBelongToTheOneBefore) {
  const auto master = MasterCf::parse({"master.cf",
                                       "smtp inet n - n - - smtpd\n"
                                       "#submission inet n - n - - smtpd\n"
                                       "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n"});
  ASSERT_TRUE(master);
  ASSERT_EQ(master->services().size(), 1u);
  EXPECT_EQ(master->services()[0].overrides.count("smtpd_client_restrictions"), 1u);
}

TEST(MasterCf, BrokenLinesAreErrorsWithTheirPlace) {
  for (const std::string text : {"\n\nsmtp inet n - n\n", "\n\nsmtp tcp n - n - - smtpd\n",
                                 "\n\nsmtp inet n - n - - smtpd -o nothing\n", "\n\nsmtp inet n - n - - smtpd -o\n"}) {
    const auto master = MasterCf::parse({"master.cf", text});
    ASSERT_FALSE(master) << text;
    EXPECT_TRUE(master.error().message.starts_with("master.cf:3")) << master.error().message;
  }
}

}  // namespace
}  // namespace smtpdx::mta::postfix
