// SPDX-License-Identifier: Apache-2.0
#include "api/read.hpp"

#include <gtest/gtest.h>

namespace smtpdx::api {
namespace {

dsn::Kind kind_of(std::string_view text) { return read_text("text", text).front().refusal.kind; }

TEST(ReadText, AWholeMessageIsWhatItIs) {
  EXPECT_EQ(kind_of("From: ann@alder.example\nTo: bob@birch.example\nSubject: lunch\n\nAt noon?\n"),
            dsn::Kind::not_a_bounce);
  EXPECT_EQ(kind_of("From: bob@birch.example\nTo: ann@alder.example\nAuto-Submitted: auto-replied\n"
                    "Subject: Out of office\n\nI am away until Monday.\n"),
            dsn::Kind::auto_reply);
}

TEST(ReadText, LooseWordsAreARefusalBecauseSomebodySaysSo) {
  EXPECT_EQ(kind_of("no thanks, not from you"), dsn::Kind::failed);
  EXPECT_EQ(kind_of("554 5.7.1 Relay access denied"), dsn::Kind::failed);
}

}  // namespace
}  // namespace smtpdx::api
