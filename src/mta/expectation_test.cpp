// SPDX-License-Identifier: Apache-2.0
#include "mta/expectation.hpp"

#include <gtest/gtest.h>

namespace smtpdx::mta {
namespace {

Decision decided(Verdict verdict, int code = 0) {
  Decision decision;
  decision.verdict = verdict;
  decision.code = code;
  return decision;
}

TEST(Expectation, ReadsALine) {
  const auto read = read_expectations(
      "# policy\n\nclient 10.1.2.3 name mail.home.example helo h.example port 587 tls login ann#1 from <> to "
      "bob@far.example => permit  # ours\nto bob@far.example => reject 554\r\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  const auto& one = read->front();
  EXPECT_EQ(one.line, 3u);
  EXPECT_EQ(one.session.client->to_string(), "10.1.2.3");
  EXPECT_EQ(one.session.client_name, "mail.home.example");
  EXPECT_EQ(one.session.port, 587);
  EXPECT_EQ(one.session.tls, Tls::starttls);
  EXPECT_EQ(one.session.login->user, "ann#1");
  EXPECT_EQ(one.session.sender, "<>");
  EXPECT_TRUE(one.permit);
  EXPECT_EQ(read->back().code, 554);
  EXPECT_EQ(read->back().session.port, 25);
  EXPECT_FALSE(read->back().session.login);
}

TEST(Expectation, SaysWhatIsWrongWithALine) {
  for (const std::string line :
       {"to a@b.example", "client nobody to a@b.example => permit", "=> permit", "to a@b.example => maybe",
        "to a@b.example => permit 250", "to a@b.example => reject 250", "to a@b.example => reject 554 now",
        "from a@b.example => permit", "colour red to a@b.example => permit", "to a@b.example port 0 => permit",
        "to => permit", ""}) {
    const auto read = read_expectations(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().kind, ErrorKind::malformed);
  }
}

TEST(Expectation, Holds) {
  const auto read =
      read_expectations("to a@b.example => permit\nto a@b.example => reject\nto a@b.example => reject 554\n");
  ASSERT_TRUE(read);
  const auto &permit = (*read)[0], &reject = (*read)[1], &with_code = (*read)[2];
  EXPECT_TRUE(holds(permit, decided(Verdict::accepted, 250)));
  EXPECT_FALSE(holds(permit, decided(Verdict::refused, 554)));
  EXPECT_TRUE(holds(reject, decided(Verdict::refused, 454)));
  EXPECT_TRUE(holds(reject, decided(Verdict::no_auth)));
  EXPECT_FALSE(holds(reject, decided(Verdict::accepted, 250)));
  EXPECT_TRUE(holds(with_code, decided(Verdict::refused, 554)));
  EXPECT_FALSE(holds(with_code, decided(Verdict::refused, 454)));
  EXPECT_FALSE(holds(with_code, decided(Verdict::no_auth)));
  for (const auto* one : {&permit, &reject, &with_code}) EXPECT_FALSE(holds(*one, decided(Verdict::unknown)));
}

}  // namespace
}  // namespace smtpdx::mta
