// SPDX-License-Identifier: Apache-2.0
#include "store/secret_box.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "store/testing.hpp"

namespace smtpdx::store {
namespace {

using testing::HasSubstr;
using testing::Not;

class SealedSecrets : public testing::Test {
 protected:
  SecretBox box(const std::string& name = "state/secret.key") {
    auto made = SecretBox::open_or_make(folder_.path(name));
    EXPECT_OK(made);
    return std::move(*made);
  }
  TemporaryFolder folder_;
};

TEST_F(SealedSecrets, ComeBackWithTheSameKeyFile) {
  const std::string secret("p\0w\xFF", 4);
  const auto sealed = box().seal(secret, "alice/monitor");
  EXPECT_THAT(sealed, Not(HasSubstr(secret)));
  EXPECT_EQ(*box().unseal(sealed, "alice/monitor"), secret);
  EXPECT_EQ(*box().unseal(box().seal("", ""), ""), "");
  EXPECT_EQ(mode_of(folder_.path("state/secret.key")), 0600u);
  EXPECT_NE(box().seal(secret, "x"), box().seal(secret, "x"));
}

TEST_F(SealedSecrets, BelongToTheirPurpose) {
  const auto sealed = box().seal("secret", "alice/monitor");
  EXPECT_EQ(box().unseal(sealed, "bob/monitor").error().trouble, Trouble::corrupt);
}

TEST_F(SealedSecrets, EveryChangedOctetIsNoticed) {
  const auto one = box();
  const auto sealed = one.seal("secret", "x");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(one.unseal(changed, "x")) << i;
    EXPECT_FALSE(one.unseal(sealed.substr(0, i), "x")) << i;
  }
}

TEST_F(SealedSecrets, AnotherKeyIsToldFromDamage) {
  const auto sealed = box().seal("secret", "x");
  const auto opened = box("other.key").unseal(sealed, "x");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().trouble, Trouble::denied);
  EXPECT_THAT(opened.error().message, HasSubstr("another key"));
}

TEST_F(SealedSecrets, KeyFileOthersMayReadIsRefused) {
  box();
  std::filesystem::permissions(folder_.path("state/secret.key"), std::filesystem::perms(0640));
  const auto refused = SecretBox::open_or_make(folder_.path("state/secret.key"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().trouble, Trouble::denied);
  EXPECT_THAT(refused.error().hint, HasSubstr("chmod 600"));
}

TEST_F(SealedSecrets, WhatIsNoKeyFileIsNotOverwritten) {
  const auto path = folder_.path("note");
  for (const auto* text : {"", "smtpdx-key-1 c2hvcnQ=\n", "hello"}) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    const auto refused = SecretBox::open_or_make(path);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().trouble, Trouble::foreign);
    EXPECT_EQ(std::filesystem::file_size(path), std::string_view(text).size());
  }
}

TEST(Ids, AreLongAndDiffer) {
  EXPECT_EQ(make_id("d_").size(), 28u);
  EXPECT_NE(make_id("d_"), make_id("d_"));
}

TEST(Places, FollowTheEnvironment) {
  ::setenv("XDG_STATE_HOME", "/var/lib/x", 1);
  EXPECT_EQ(*default_store_path(), "/var/lib/x/smtpdx/store.sqlite");
  EXPECT_EQ(*default_key_path(), "/var/lib/x/smtpdx/secret.key");
  ::setenv("XDG_STATE_HOME", "relative", 1);
  ::setenv("HOME", "/home/u", 1);
  EXPECT_EQ(*default_store_path(), "/home/u/.local/state/smtpdx/store.sqlite");
  ::unsetenv("XDG_STATE_HOME");
  ::unsetenv("HOME");
  EXPECT_FALSE(default_store_path());
}

}  // namespace
}  // namespace smtpdx::store
