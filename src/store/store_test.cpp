// SPDX-License-Identifier: Apache-2.0

// What every database must do, run on SQLite and, where SMTPDX_TEST_POSTGRES names an empty database, on PostgreSQL
// (tests/store/postgres_test.py starts a server for it).

#include "store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "store/testing.hpp"

namespace smtpdx::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EveryStore : public testing::TestWithParam<Dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == Dialect::postgres && !fresh_postgres()) {
      GTEST_SKIP() << "SMTPDX_TEST_POSTGRES names no database; tests/store/postgres_test.py brings one";
    }
    url_ = GetParam() == Dialect::postgres ? postgres_url() : folder_.path("store.sqlite");
    store_ = opened(url_);
  }
  Store& store() { return *store_; }

  TemporaryFolder folder_;
  std::string url_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(, EveryStore, testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& info) { return info.param == Dialect::sqlite ? "sqlite" : "postgres"; });

TEST_P(EveryStore, ResultComesBackAsItWasKept) {
  auto result = a_result("d_1", "alice");
  result.input = std::string("From: \0\xFF\xFE\r\n", 11);
  result.title = "Zürich → 東京";
  result.finished = at(99);
  ASSERT_OK(store().put(result));
  const auto back = store().get("d_1", "alice");
  ASSERT_OK(back);
  ASSERT_TRUE(back->has_value());
  EXPECT_EQ((*back)->input, result.input);
  EXPECT_EQ((*back)->title, result.title);
  EXPECT_EQ((*back)->kind, result.kind);
  EXPECT_EQ((*back)->status, result.status);
  EXPECT_EQ((*back)->created, result.created);
  EXPECT_EQ((*back)->finished, result.finished);
  EXPECT_EQ((*back)->request_json, result.request_json);
  EXPECT_EQ((*back)->result_json, result.result_json);
}

TEST_P(EveryStore, EmptyAndAbsentStayApart) {
  auto result = a_result("d_1", "alice");
  result.input = "";
  result.result_json = "";
  ASSERT_OK(store().put(result));
  const auto back = store().get("d_1", "alice");
  ASSERT_OK(back);
  EXPECT_EQ((*back)->input, "");
  EXPECT_EQ((*back)->finished, std::nullopt);
}

TEST_P(EveryStore, LargeInputIsKept) {
  auto result = a_result("d_1", "alice");
  result.input = std::string(33 << 20, '\xA5');
  ASSERT_OK(store().put(result));
  const auto back = store().get("d_1", "alice");
  ASSERT_OK(back);
  EXPECT_TRUE((*back)->input == result.input);
}

TEST_P(EveryStore, OwnersDoNotSeeEachOther) {
  ASSERT_OK(store().put(a_result("d_1", "alice")));
  EXPECT_EQ(*store().get("d_1", "bob"), std::nullopt);
  EXPECT_FALSE(*store().erase("d_1", "bob"));
  EXPECT_TRUE(store().list({.owner = "bob"})->items.empty());
  // The same id of another owner is another result.
  auto other = a_result("d_1", "bob");
  other.title = "bob's";
  ASSERT_OK(store().put(other));
  EXPECT_EQ((*store().get("d_1", "alice"))->title, a_result("d_1", "alice").title);
}

TEST_P(EveryStore, PutAgainReplacesAndKeepsItsPlace) {
  ASSERT_OK(store().put(a_result("d_1", "alice")));
  ASSERT_OK(store().put(a_result("d_2", "alice")));
  auto changed = a_result("d_1", "alice");
  changed.status = "failed";
  ASSERT_OK(store().put(changed));
  const auto page = store().list({.owner = "alice"});
  ASSERT_OK(page);
  EXPECT_THAT(ids(*page), ElementsAre("d_2", "d_1"));
  EXPECT_EQ(page->items[1].status, "failed");
}

TEST_P(EveryStore, PagesAreStableWhileRowsComeAndGo) {
  for (int i = 1; i <= 7; ++i) ASSERT_OK(store().put(a_result("d_" + std::to_string(i), "alice")));
  auto first = store().list({.owner = "alice", .limit = 3});
  ASSERT_OK(first);
  EXPECT_THAT(ids(*first), ElementsAre("d_7", "d_6", "d_5"));
  ASSERT_OK(store().put(a_result("d_8", "alice")));
  ASSERT_OK(store().erase("d_5", "alice"));
  ASSERT_OK(store().erase("d_3", "alice"));
  const auto second = store().list({.owner = "alice", .limit = 3, .cursor = *first->next});
  ASSERT_OK(second);
  EXPECT_THAT(ids(*second), ElementsAre("d_4", "d_2", "d_1"));
  EXPECT_EQ(second->next, std::nullopt);
}

TEST_P(EveryStore, OrderDoesNotDependOnTheClock) {
  auto later = a_result("d_1", "alice");
  later.created = at(1000);
  auto earlier = a_result("d_2", "alice");
  earlier.created = at(-1000);
  ASSERT_OK(store().put(later));
  ASSERT_OK(store().put(earlier));
  EXPECT_THAT(ids(*store().list({.owner = "alice"})), ElementsAre("d_2", "d_1"));
  EXPECT_EQ(store().list({.owner = "alice"})->items[0].created, at(-1000));
}

TEST_P(EveryStore, ListByKind) {
  ASSERT_OK(store().put(a_result("d_1", "alice")));
  auto relay = a_result("r_1", "alice");
  relay.kind = "relay-test";
  ASSERT_OK(store().put(relay));
  EXPECT_THAT(ids(*store().list({.owner = "alice", .kind = "relay-test"})), ElementsAre("r_1"));
}

TEST_P(EveryStore, BadCursorIsTheCallersFault) {
  for (const auto* cursor : {"x", "-1", "1 ", "99999999999999999999"}) {
    const auto page = store().list({.owner = "alice", .limit = 3, .cursor = cursor});
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().trouble, Trouble::invalid);
  }
  EXPECT_EQ(store().trouble(), std::nullopt);
}

TEST_P(EveryStore, TextThatNotBothDatabasesKeepIsRefused) {
  for (const auto& title : {std::string("a\0b", 3), std::string("\xFF")}) {
    auto result = a_result("d_1", "alice");
    result.title = title;
    const auto put = store().put(result);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().trouble, Trouble::invalid);
    EXPECT_THAT(put.error().message, HasSubstr("title"));
  }
  EXPECT_EQ(store().put(a_result("", "alice")).error().trouble, Trouble::invalid);
  EXPECT_EQ(store().put(a_result(std::string(513, 'x'), "alice")).error().trouble, Trouble::invalid);
  ASSERT_OK(store().put(a_result(std::string(512, 'x'), std::string(512, 'y'))));
}

TEST_P(EveryStore, WhatCannotBeKeptIsNotThere) {
  for (const auto& name : {std::string(), std::string("\xFF"), std::string(513, 'x'), std::string("a\0b", 3)}) {
    const auto user = store().find_user(name);
    ASSERT_OK(user);
    EXPECT_EQ(*user, std::nullopt);
    EXPECT_EQ(*store().get(name, "alice"), std::nullopt);
    EXPECT_EQ(*store().recall("alice", name, at(1)), std::nullopt);
    EXPECT_EQ(*store().secret("alice", name), std::nullopt);
  }
  EXPECT_EQ(*store().find_session("", at(1)), std::nullopt);
  EXPECT_EQ(*store().find_token("", at(1)), std::nullopt);
}

TEST_P(EveryStore, EraseOlder) {
  for (int i = 0; i < 10; ++i) {
    auto result = a_result("d_" + std::to_string(i), "alice");
    result.created = at(i);
    ASSERT_OK(store().put(result));
  }
  EXPECT_EQ(*store().erase_older(at(4)), 4u);
  EXPECT_EQ(store().list({.owner = "alice"})->items.size(), 6u);
}

TEST_P(EveryStore, Accounts) {
  const User alice{"alice", "$argon2id$x", "admin", at(1)};
  ASSERT_OK(store().add_user(alice));
  ASSERT_OK(store().add_user(alice));  // the same call again, after a lost answer
  EXPECT_EQ(store().add_user({"alice", "$argon2id$other", "user", at(2)}).error().trouble, Trouble::taken);
  ASSERT_OK(store().add_user({"Bob", "$argon2id$y", "user", at(3)}));
  EXPECT_EQ((*store().find_user("alice"))->role, "admin");
  EXPECT_EQ(*store().find_user("ALICE"), std::nullopt);
  std::vector<std::string> names;
  const auto users = store().users();
  for (const auto& user : *users) names.push_back(user.name);
  EXPECT_THAT(names, ElementsAre("Bob", "alice"));
  EXPECT_TRUE(*store().set_role("Bob", "admin"));
  EXPECT_FALSE(*store().set_role("nobody", "admin"));
  EXPECT_EQ((*store().find_user("Bob"))->role, "admin");
}

TEST_P(EveryStore, NewPasswordEndsSessions) {
  ASSERT_OK(store().add_user({"alice", "old", "user", at(1)}));
  ASSERT_OK(store().add_session({"hash-1", "alice", at(1), at(100)}));
  ASSERT_OK(store().add_session({"hash-2", "bob", at(1), at(100)}));
  EXPECT_TRUE(*store().set_password("alice", "new"));
  EXPECT_EQ((*store().find_user("alice"))->password_hash, "new");
  EXPECT_EQ(*store().find_session("hash-1", at(2)), std::nullopt);
  EXPECT_NE(*store().find_session("hash-2", at(2)), std::nullopt);
  EXPECT_FALSE(*store().set_password("nobody", "new"));
}

TEST_P(EveryStore, ErasedUserLeavesOnlyTheAuditLog) {
  ASSERT_OK(fill(store()));
  EXPECT_TRUE(*store().erase_user("alice"));
  EXPECT_FALSE(*store().erase_user("alice"));
  const auto counts = store().counts();
  ASSERT_OK(counts);
  EXPECT_EQ(counts->results + counts->users + counts->sessions + counts->tokens, 0u);
  EXPECT_EQ(counts->audit, 3u);
  EXPECT_TRUE(store().secret_names("alice")->empty());
}

TEST_P(EveryStore, SessionsEnd) {
  ASSERT_OK(store().add_session({std::string("\0\xFFhash", 6), "alice", at(1), at(100)}));
  EXPECT_EQ((*store().find_session(std::string("\0\xFFhash", 6), at(99)))->user, "alice");
  EXPECT_EQ(*store().find_session(std::string("\0\xFFhash", 6), at(100)), std::nullopt);
  EXPECT_EQ(*store().erase_expired(at(99)), 0u);
  EXPECT_EQ(*store().erase_expired(at(100)), 1u);
  ASSERT_OK(store().add_session({"h", "alice", at(1), at(100)}));
  EXPECT_TRUE(*store().erase_session("h"));
  EXPECT_FALSE(*store().erase_session("h"));
}

TEST_P(EveryStore, Tokens) {
  const ApiToken token{"t_1", "alice", "my script", "hash", {"explain", "diagnose:dns"}, at(1), at(50), {}};
  ASSERT_OK(store().add_token(token));
  ASSERT_OK(store().add_token(token));
  ASSERT_OK(store().add_token({"t_2", "alice", "", "hash-2", {}, at(2), {}, {}}));
  EXPECT_EQ(store().add_token({"t_1", "bob", "", "hash-3", {}, at(2), {}, {}}).error().trouble, Trouble::taken);
  EXPECT_EQ(store().add_token({"t_4", "bob", "", "h", {"two words"}, at(2), {}, {}}).error().trouble, Trouble::invalid);
  EXPECT_THAT((*store().find_token("hash", at(49)))->scopes, ElementsAre("explain", "diagnose:dns"));
  EXPECT_EQ(*store().find_token("hash", at(50)), std::nullopt);
  EXPECT_EQ((*store().find_token("hash-2", at(5000)))->id, "t_2");
  EXPECT_FALSE(*store().revoke_token("t_2", "bob", at(60)));
  EXPECT_TRUE(*store().revoke_token("t_2", "alice", at(60)));
  EXPECT_TRUE(*store().revoke_token("t_2", "alice", at(70)));
  EXPECT_EQ(*store().find_token("hash-2", at(5000)), std::nullopt);
  const auto all = store().tokens("alice");
  ASSERT_OK(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].id, "t_2");
  EXPECT_EQ((*all)[0].revoked, at(60));
}

TEST_P(EveryStore, IdempotencyKeys) {
  const Idempotent first{"alice", "key", "hash", "d_1", at(100)};
  EXPECT_TRUE(store().remember(first, at(1))->fresh);
  EXPECT_TRUE(store().remember(first, at(1))->fresh);  // the same call again, after a lost answer
  const auto second = store().remember({"alice", "key", "other hash", "d_2", at(100)}, at(2));
  ASSERT_OK(second);
  EXPECT_FALSE(second->fresh);
  EXPECT_EQ(second->entry.result_id, "d_1");
  EXPECT_EQ(second->entry.request_hash, "hash");
  EXPECT_TRUE(store().remember({"bob", "key", "hash", "d_3", at(100)}, at(2))->fresh);
  EXPECT_EQ((*store().recall("alice", "key", at(99)))->result_id, "d_1");
  EXPECT_EQ(*store().recall("alice", "key", at(100)), std::nullopt);
  EXPECT_TRUE(store().remember({"alice", "key", "hash", "d_4", at(200)}, at(100))->fresh);
}

TEST_P(EveryStore, AuditLogHasPages) {
  for (int i = 1; i <= 5; ++i) {
    ASSERT_OK(store().audit({at(10 - i), "alice", "login", std::to_string(i), "ok"}));
  }
  const auto first = store().audit_log(2);
  ASSERT_OK(first);
  EXPECT_EQ(first->items[0].target, "5");
  EXPECT_EQ(first->items[0].time, at(5));
  const auto second = store().audit_log(3, *first->next);
  ASSERT_OK(second);
  EXPECT_EQ(second->items[0].target, "3");
  EXPECT_EQ(second->next, std::nullopt);
}

TEST_P(EveryStore, Secrets) {
  const std::string sealed("\0\1\2\xFF", 4);
  ASSERT_OK(store().put_secret("alice", "monitor/1", "old"));
  ASSERT_OK(store().put_secret("alice", "monitor/1", sealed));
  EXPECT_EQ(*store().secret("alice", "monitor/1"), sealed);
  EXPECT_EQ(*store().secret("bob", "monitor/1"), std::nullopt);
  EXPECT_THAT(*store().secret_names("alice"), ElementsAre("monitor/1"));
  EXPECT_TRUE(*store().erase_secret("alice", "monitor/1"));
  EXPECT_EQ(*store().secret("alice", "monitor/1"), std::nullopt);
}

TEST_P(EveryStore, OpenedAgainAllIsThere) {
  ASSERT_OK(fill(store()));
  store_.reset();
  store_ = opened(url_);
  EXPECT_EQ(contents(store()), contents_of_fill());
  EXPECT_OK(store().check());
}

TEST_P(EveryStore, ExportAndImport) {
  ASSERT_OK(fill(store()));
  std::stringstream lines;
  ASSERT_OK(store().export_to(lines, WithSecrets::no));
  EXPECT_THAT(lines.str(), Not(HasSubstr("secrets")));
  const auto other = opened("sqlite::memory:");
  const auto imported = other->import_from(lines);
  ASSERT_OK(imported);
  EXPECT_EQ(imported->kept, 0u);
  EXPECT_EQ(contents(*other), contents_of_fill());
  // Once more adds nothing.
  std::stringstream again(lines.str());
  EXPECT_EQ(other->import_from(again)->added, 0u);
  EXPECT_EQ(contents(*other), contents_of_fill());
}

TEST_P(EveryStore, ImportBringsSecretsWhereTheyWereAskedFor) {
  ASSERT_OK(fill(store()));
  std::stringstream lines;
  ASSERT_OK(store().export_to(lines, WithSecrets::yes));
  ASSERT_OK(store().erase_user("alice"));
  ASSERT_OK(store().import_from(lines));
  EXPECT_EQ(*store().secret("alice", "s"), "sealed");
  EXPECT_EQ(contents(store()), contents_of_fill());
}

TEST_P(EveryStore, ImportIsAllOrNothing) {
  ASSERT_OK(fill(store()));
  std::stringstream lines;
  ASSERT_OK(store().export_to(lines, WithSecrets::yes));
  ASSERT_OK(store().erase_user("alice"));
  const auto text = lines.str();
  const auto refused = [&](std::string changed, const std::string& why) {
    std::stringstream in(changed);
    const auto imported = store().import_from(in);
    ASSERT_FALSE(imported) << why;
    EXPECT_THAT(imported.error().message, HasSubstr(why));
    EXPECT_EQ(store().counts()->results, 0u) << why;
  };
  refused(text.substr(0, text.rfind("{\"end\"")), "cut off");
  refused(text.substr(0, text.size() / 2), "no JSON object");
  refused("{}\n" + text, "does not begin as one");
  refused("", "cut off");
  refused(replaced(text, "\"version\":2", "\"version\":3"), "newer");
  refused(replaced(text, "\"created\":", "\"createt\":"), "line");
  refused(replaced(text, "\"table\":\"results\"", "\"table\":\"sessions\""), "names no table");
  refused(replaced(text, "\"input\":\"", "\"input\":\"!"), "another type");
}

TEST_P(EveryStore, BackupIsAStoreOfItsOwn) {
  ASSERT_OK(fill(store()));
  const auto path = folder_.path("backup.sqlite");
  ASSERT_OK(store().backup_to(path));
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(folder_.names_like("backup"), std::vector<std::string>{"backup.sqlite"});
  const auto copy = opened(path);
  EXPECT_EQ(contents(*copy), contents_of_fill());
  EXPECT_EQ(*copy->secret("alice", "s"), "sealed");
  EXPECT_EQ(copy->counts()->sessions, 1u);
  EXPECT_EQ(store().backup_to(path).error().trouble, Trouble::taken);
}

TEST_P(EveryStore, RetentionErasesWhatIsOld) {
  ASSERT_OK(fill(store()));
  const auto erased = store().retain({.results = 40s, .audit = 60s}, {at(50), 0s});
  ASSERT_OK(erased);
  EXPECT_EQ(erased->results, 1u);  // of those made at 1, 2 … and so on: see fill()
  EXPECT_EQ(erased->audit, 0u);
}

TEST_P(EveryStore, RetentionWorksInSteps) {
  for (int i = 0; i < 450; ++i) ASSERT_OK(store().audit({at(i), "alice", "test", "", "ok"}));
  EXPECT_EQ(store().retain({.results = {}, .audit = 10s}, {at(450), 0s})->audit, 440u);
  EXPECT_EQ(store().counts()->audit, 10u);
}

TEST_P(EveryStore, RetentionDoesNotBelieveAClockThatJumps) {
  ASSERT_OK(fill(store()));
  const Retention month{.results = 24h * 30, .audit = {}};
  ASSERT_OK(store().retain(month, {at(50), 0s}));
  // A year in a minute.
  const auto jumped = at(50) + 24h * 365;
  const auto refused = store().retain(month, {jumped, 60s});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().trouble, Trouble::clock);
  EXPECT_EQ(store().counts()->results, 3u);
  EXPECT_EQ(store().retain(month, {jumped + 30min, 60s + 30min}).error().trouble, Trouble::clock);
  // Set right again: nothing was lost; and the step back gives no doubt of its own once the hour is over.
  ASSERT_OK(store().retain(month, {at(50) + 2h, 60s + 2h}));
  EXPECT_EQ(store().counts()->results, 3u);
  // A year has really gone by.
  EXPECT_EQ(store().retain(month, {at(50) + 24h * 366, 24h * 366})->results, 3u);
}

TEST_P(EveryStore, RetentionDoubtsALongAbsenceForAnHour) {
  ASSERT_OK(fill(store()));
  ASSERT_OK(store().retain({.results = 24h, .audit = {}}, {at(50), 0s}));
  store_.reset();
  store_ = opened(url_);
  const auto back = at(50) + 24h * 100;
  EXPECT_EQ(store().retain({.results = 24h, .audit = {}}, {back, 5s}).error().trouble, Trouble::clock);
  EXPECT_EQ(store().retain({.results = 24h, .audit = {}}, {back + 61min, 5s + 61min})->results, 3u);
}

TEST_P(EveryStore, ClockGoingBackErasesNothing) {
  ASSERT_OK(fill(store()));
  ASSERT_OK(store().retain({.results = 24h, .audit = {}}, {at(50), 0s}));
  EXPECT_EQ(store().retain({.results = 24h, .audit = {}}, {at(50) - 24h * 10000, 60s})->results, 0u);
}

TEST_P(EveryStore, TwoAtOnceSeeEachOthersWrites) {
  const auto second = opened(url_);
  ASSERT_OK(store().put(a_result("d_1", "alice")));
  EXPECT_NE(*second->get("d_1", "alice"), std::nullopt);
  ASSERT_OK(second->put(a_result("d_2", "alice")));
  EXPECT_THAT(ids(*store().list({.owner = "alice"})), ElementsAre("d_2", "d_1"));
  EXPECT_FALSE(second->remember({"alice", "k", "h", "d_2", at(9)}, at(1))->fresh &&
               store().remember({"alice", "k", "h", "d_1", at(9)}, at(1))->fresh);
}

}  // namespace
}  // namespace smtpdx::store
