// SPDX-License-Identifier: Apache-2.0
#include "store/password.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtpdx::store {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Passwords, AreKnownAgainByTheirHashAlone) {
  const auto hash = hash_password("correct horse battery");
  ASSERT_TRUE(hash);
  EXPECT_THAT(*hash, StartsWith("$argon2id$"));
  EXPECT_THAT(*hash, Not(HasSubstr("horse")));
  EXPECT_TRUE(is_password(*hash, "correct horse battery"));
  EXPECT_FALSE(is_password(*hash, "correct horse battery "));
  EXPECT_FALSE(is_password(*hash, ""));
  EXPECT_NE(*hash, *hash_password("correct horse battery"));
}

TEST(Passwords, ShortOnesAreRefused) {
  const auto hash = hash_password("123456789");
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().kind, ErrorKind::usage);
}

TEST(Passwords, WhatIsNoHashOpensNothing) {
  for (const std::string& hash :
       {std::string(), std::string("x"), std::string(500, '$'), std::string("$argon2id$v=19$")}) {
    EXPECT_FALSE(is_password(hash, ""));
    EXPECT_FALSE(is_password(hash, hash));
  }
}

TEST(Passwords, NobodysHashIsOneThatTakesAsLong) { EXPECT_THAT(nobodys_hash(), StartsWith("$argon2id$")); }

TEST(Tokens, HashIsSha256) {
  EXPECT_EQ(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
}

}  // namespace
}  // namespace smtpdx::store
