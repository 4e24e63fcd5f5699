// SPDX-License-Identifier: Apache-2.0
#include "kb/words.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace smtpdx::kb {
namespace {

TEST(Words, EveryReasonHasItsOwnWordAndComesBack) {
  std::set<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(Reason::unknown); ++i) {
    auto reason = static_cast<Reason>(i);
    EXPECT_TRUE(seen.insert(to_string(reason)).second) << to_string(reason);
    EXPECT_EQ(reason_from(to_string(reason)), reason);
  }
  EXPECT_EQ(seen.size(), 40u);
}

TEST(Words, AnchorsOfEachTable) {
  EXPECT_EQ(to_string(Reason::relay_denied), "relay-denied");
  EXPECT_EQ(to_string(Reason::policy_other), "policy-other");
  EXPECT_EQ(to_string(Reason::domain_not_found), "domain-not-found");
  EXPECT_EQ(to_string(Party::sender_admin), "sender-admin");
  EXPECT_EQ(to_string(Party::device_owner), "device-owner");
  EXPECT_EQ(to_string(Party::unknown), "unknown");
  EXPECT_EQ(to_string(Consent::envelope), "L3");
}

TEST(Words, EveryPartyAndConsentComesBack) {
  for (int i = 0; i <= static_cast<int>(Party::unknown); ++i)
    EXPECT_EQ(party_from(to_string(static_cast<Party>(i))), static_cast<Party>(i));
  for (int i = 0; i <= static_cast<int>(Consent::send); ++i)
    EXPECT_EQ(consent_from(to_string(static_cast<Consent>(i))), static_cast<Consent>(i));
}

TEST(Words, UnknownWordsAreNone) {
  EXPECT_FALSE(reason_from("relay denied"));
  EXPECT_FALSE(reason_from("Relay-Denied"));
  EXPECT_FALSE(party_from(""));
  EXPECT_FALSE(consent_from("L6"));
}

}  // namespace
}  // namespace smtpdx::kb
