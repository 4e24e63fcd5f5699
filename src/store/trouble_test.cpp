// SPDX-License-Identifier: Apache-2.0

// Surroundings that fail: the store says so, loses nothing, and goes on by itself when they are well again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "store/migrations.hpp"
#include "store/store_thread.hpp"
#include "store/testing.hpp"

namespace smtpdx::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string octets_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const std::string& path, std::string_view octets, std::streamoff where = 0) {
  std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
  if (!out) out.open(path, std::ios::out | std::ios::binary);
  out.seekp(where);
  out << octets;
}

/// Another program that holds the database.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { sqlite3_close(db_); }

 private:
  sqlite3* db_ = nullptr;
};

/// No file may grow beyond `octets` while this lives, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t octets) {
    before_signal_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{octets, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_signal_);
  }

 private:
  rlimit before_{};
  void (*before_signal_)(int) = nullptr;
};

class SqliteTrouble : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = folder_.path("deep/down/store.sqlite");
};

TEST_F(SqliteTrouble, FilesAreTheOwnersAlone) {
  const auto store = opened("sqlite:" + path_);
  ASSERT_OK(store->put(a_result("d_1", "alice")));
  EXPECT_EQ(mode_of(path_), 0600u);
  EXPECT_EQ(mode_of(path_ + "-wal"), 0600u);
  EXPECT_EQ(mode_of(folder_.path("deep")), 0700u);
}

TEST_F(SqliteTrouble, EveryCommitReachesTheDisk) {
  const auto sql = make_sqlite(path_, 1s);
  sql->ready();
  constexpr std::int64_t full = 2;
  EXPECT_EQ(std::get<std::int64_t>(sql->run("PRAGMA synchronous").rows[0][0]), full);
  EXPECT_EQ(std::get<std::string>(sql->run("PRAGMA journal_mode").rows[0][0]), "wal");
}

TEST_F(SqliteTrouble, FullDiskIsSaidAndPasses) {
  const auto store = opened(path_);
  ASSERT_OK(store->put(a_result("d_0", "alice")));
  {
    const FullDisk full(200'000);
    Outcome<> put;
    int kept = 0;
    while ((put = store->put(a_result("d_" + std::to_string(kept + 1), "alice"))) && kept < 10'000) ++kept;
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().trouble, Trouble::disk_full) << put.error().message;
    EXPECT_THAT(put.error().hint, HasSubstr("free some space"));
    ASSERT_TRUE(store->trouble());
    EXPECT_EQ(store->trouble()->trouble, Trouble::disk_full);
    // What was acknowledged can be read all the while.
    EXPECT_NE(*store->get("d_" + std::to_string(kept), "alice"), std::nullopt);
  }
  ASSERT_OK(store->put(a_result("d_after", "alice")));
  EXPECT_EQ(store->trouble(), std::nullopt);
  EXPECT_OK(store->check());
}

TEST_F(SqliteTrouble, FullDiskAtTheStartPassesToo) {
  std::unique_ptr<Store> store;
  {
    const FullDisk full(0);
    EXPECT_EQ(open_store(path_).error().trouble, Trouble::disk_full);
    store = opened(path_, {.patience = 1s, .start = OpenOptions::Start::may_come_later});
    EXPECT_EQ(store->trouble()->trouble, Trouble::disk_full);
    EXPECT_EQ(store->probe().error().trouble, Trouble::disk_full);
  }
  EXPECT_OK(store->probe());
  EXPECT_OK(store->put(a_result("d_1", "alice")));
}

TEST_F(SqliteTrouble, LockedIsSaidAndPasses) {
  const auto store = opened(path_, {.patience = 100ms});
  {
    const Holder holder(path_);
    const auto put = store->put(a_result("d_1", "alice"));
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().trouble, Trouble::locked);
    EXPECT_THAT(put.error().message, HasSubstr("locked by another program"));
    EXPECT_OK(store->list({.owner = "alice"}));  // reading goes on
  }
  EXPECT_OK(store->put(a_result("d_1", "alice")));
}

TEST_F(SqliteTrouble, ShortLocksAreWaitedFor) {
  const auto store = opened(path_, {.patience = 5s});
  auto holder = std::make_unique<Holder>(path_);
  std::thread ends([&holder] {
    std::this_thread::sleep_for(100ms);
    holder.reset();
  });
  EXPECT_OK(store->put(a_result("d_1", "alice")));
  ends.join();
}

TEST_F(SqliteTrouble, ReplacedFileIsNoticed) {
  const auto store = opened(path_);
  ASSERT_OK(store->put(a_result("d_1", "alice")));
  ASSERT_OK(store->backup_to(folder_.path("backup")));
  for (const auto* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  std::filesystem::rename(folder_.path("backup"), path_);
  const auto put = store->put(a_result("d_2", "alice"));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().trouble, Trouble::gone);
  ASSERT_OK(store->put(a_result("d_2", "alice")));
  EXPECT_EQ(opened(path_)->list({.owner = "alice"})->items.size(), 2u);
}

TEST_F(SqliteTrouble, DamageIsFound) {
  {
    const auto store = opened(path_);
    for (int i = 0; i < 300; ++i) ASSERT_OK(store->put(a_result("d_" + std::to_string(i), "alice")));
  }
  overwrite(path_, std::string(40'000, '\x55'), 40'000);
  const auto store = opened(path_);
  const auto check = store->check();
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().trouble, Trouble::corrupt);
  EXPECT_THAT(check.error().hint, HasSubstr("backup"));
}

TEST_F(SqliteTrouble, OtherPeoplesFilesAreLeftAlone) {
  const auto text = folder_.path("letter.txt");
  overwrite(text, std::string(5000, 'x'));
  EXPECT_EQ(open_store(text).error().trouble, Trouble::foreign);
  EXPECT_EQ(octets_of(text), std::string(5000, 'x'));
  const auto other = folder_.path("other.sqlite");
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(other.c_str(), &db), SQLITE_OK);
  sqlite3_exec(db, "CREATE TABLE bookmarks(url)", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  const auto before = octets_of(other);
  EXPECT_EQ(open_store(other).error().trouble, Trouble::foreign);
  EXPECT_EQ(octets_of(other), before);
  EXPECT_EQ(open_store(folder_.path("")).error().trouble, Trouble::gone);  // a directory
}

TEST_F(SqliteTrouble, UrlsThatAreNone) {
  for (const auto* url : {"", "sqlite:", "sqlite::mem", "mysql://user:geheim@host/", ":x"}) {
    const auto store = open_store(url);
    ASSERT_FALSE(store) << url;
    EXPECT_EQ(store.error().trouble, Trouble::invalid) << url;
    EXPECT_THAT(store.error().message, Not(HasSubstr("geheim")));
  }
  EXPECT_OK(open_store("sqlite://" + folder_.path("a.sqlite")));
  EXPECT_TRUE(std::filesystem::exists(folder_.path("a.sqlite")));
}

TEST_F(SqliteTrouble, LongReaderHoldsNobodyWhoErases) {
  const auto store = opened(path_, {.patience = 20s});
  ASSERT_OK(store->put(a_result("d_1", "alice")));
  const auto reader = make_sqlite(path_, 1s);
  reader->ready();
  const Transaction moment(*reader, Access::read);
  reader->run("SELECT count(*) FROM results");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(*store->erase("d_1", "alice"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(SqliteTrouble, WhatIsErasedIsNowhereInTheFiles) {
  const auto store = opened(path_);
  auto result = a_result("d_1", "alice");
  result.input = std::string(9000, 'q') + "ERASE-ME-PLEASE";
  ASSERT_OK(store->put(result));
  ASSERT_OK(store->put(a_result("d_2", "alice")));
  ASSERT_THAT(octets_of(path_) + octets_of(path_ + "-wal"), HasSubstr("ERASE-ME-PLEASE"));
  EXPECT_TRUE(*store->erase("d_1", "alice"));
  EXPECT_THAT(octets_of(path_) + octets_of(path_ + "-wal"), Not(HasSubstr("ERASE-ME-PLEASE")));
}

class Schema : public testing::TestWithParam<Dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == Dialect::postgres && !fresh_postgres()) GTEST_SKIP() << "SMTPDX_TEST_POSTGRES names no database";
    url_ = GetParam() == Dialect::postgres ? postgres_url() : folder_.path("store.sqlite");
  }
  std::unique_ptr<Sql> sql() const {
    auto made = GetParam() == Dialect::postgres ? make_postgres(url_, 5s) : make_sqlite(url_, 5s);
    made->ready();
    return made;
  }
  TemporaryFolder folder_;
  std::string url_;
};

INSTANTIATE_TEST_SUITE_P(, Schema, testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& info) { return info.param == Dialect::sqlite ? "sqlite" : "postgres"; });

TEST_P(Schema, NewerOneIsRefused) {
  const auto database = sql();
  database->run("INSERT INTO schema_version(version) VALUES(99)");
  const auto store = open_store(url_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().trouble, Trouble::newer_schema);
  EXPECT_THAT(store.error().message, AllOf(HasSubstr("newer smtpdx"), HasSubstr("99")));
  EXPECT_THAT(store.error().hint, HasSubstr("backup"));
  database->run("DELETE FROM schema_version WHERE version = 99");
  EXPECT_OK(open_store(url_));
}

TEST_P(Schema, OlderOneIsBroughtUpToDateAndKeepsItsRows) {
  {
    // As the first version left it.
    const auto old = sql();
    for (const auto* table : {"users", "sessions", "tokens", "audit", "secrets"}) {
      old->run(std::string("DROP TABLE ") + table);
    }
    old->run("DELETE FROM schema_version WHERE version > 1");
    old->run(
        "INSERT INTO results(owner, id, kind, title, status, created, request_json, input, result_json) "
        "VALUES('alice', 'd_1', 'explain', '', 'done', 1, '', $1, '')",
        {Blob{"x"}});
  }
  const auto store = opened(url_);
  EXPECT_NE(*store->get("d_1", "alice"), std::nullopt);
  EXPECT_OK(store->add_user({"alice", "h", "admin", at(1)}));
}

TEST_P(Schema, ManyMayMakeItAtOnce) {
  std::vector<std::thread> all;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    all.emplace_back([&, i] {
      auto store = open_store(url_);
      if (!store) {
        ADD_FAILURE() << store.error().message;
      } else if ((*store)->put(a_result("d_" + std::to_string(i), "alice"))) {
        ++good;
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(opened(url_)->list({.owner = "alice"})->items.size(), 8u);
}

TEST_P(Schema, StepThatFailsLeavesNothingBehind) {
  const auto database = sql();
  const std::vector<Migration> steps = {
      migrations()[0], migrations()[1], {3, "CREATE TABLE third(a {INT});\nINSERT INTO nowhere VALUES(1);\n"}};
  EXPECT_THROW(migrate(*database, steps), Failure);
  EXPECT_THROW(database->run("SELECT a FROM third"), Failure);
  EXPECT_OK(open_store(url_));
}

TEST(PostgresTrouble, LockedIsSaidAndPasses) {
  if (!fresh_postgres()) GTEST_SKIP() << "SMTPDX_TEST_POSTGRES names no database";
  const auto store = opened(postgres_url(), {.patience = 200ms});
  {
    const auto other = make_postgres(postgres_url(), 5s);
    other->ready();
    const Transaction holds(*other, Access::write);
    other->run("LOCK TABLE results IN ACCESS EXCLUSIVE MODE");
    EXPECT_EQ(store->put(a_result("d_1", "alice")).error().trouble, Trouble::locked);
  }
  EXPECT_OK(store->put(a_result("d_1", "alice")));
}

TEST(PostgresTrouble, ConnectionThatWasEndedIsMadeAnewWithoutAWord) {
  if (!fresh_postgres()) GTEST_SKIP() << "SMTPDX_TEST_POSTGRES names no database";
  const auto store = opened(postgres_url());
  const auto other = make_postgres(postgres_url(), 5s);
  other->ready();
  for (int i = 0; i < 5; ++i) {
    other->run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL");
    EXPECT_OK(store->put(a_result("d_" + std::to_string(i), "alice")));
  }
  EXPECT_EQ(store->list({.owner = "alice"})->items.size(), 5u);
}

TEST(PostgresTrouble, MissingRightsAreSaid) {
  if (!fresh_postgres()) GTEST_SKIP() << "SMTPDX_TEST_POSTGRES names no database";
  const auto url = replaced(postgres_url(), "/postgres", "/nothing_of_this_name");
  const auto store = open_store(url, {.patience = 5s, .start = OpenOptions::Start::may_come_later});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().trouble, Trouble::denied) << store.error().message;
}

TEST(PostgresTrouble, UnreadableUrlIsNotRepeated) {
  const auto store = open_store("postgres://alice:sec%ZZret@db.example/x?geheim");
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message + store.error().hint, AllOf(Not(HasSubstr("ret@")), Not(HasSubstr("geheim"))));
}

TEST(PostgresTrouble, AbsentServerIsSaidAndAskedLessAndLess) {
  const std::string url = "postgres://alice:geheim@127.0.0.1:1/x";
  const auto refused = open_store(url);
  ASSERT_FALSE(refused);
  if (refused.error().hint.find("libpq5") != std::string::npos) GTEST_SKIP() << refused.error().message;
  EXPECT_EQ(refused.error().trouble, Trouble::gone);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("geheim")));
  const auto store = opened(url, {.patience = 1s, .start = OpenOptions::Start::may_come_later});
  const auto put = store->put(a_result("d_1", "alice"));
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message, HasSubstr("next attempt in"));
  EXPECT_EQ(store->trouble()->trouble, Trouble::gone);
}

TEST(OnAThread, JobsRunInOrderAndTheQueueHasAnEnd) {
  std::vector<std::string> seen;
  std::mutex hold;
  {
    StoreThread thread(opened("sqlite::memory:"), 3);
    hold.lock();
    std::atomic<bool> begun = false;
    ASSERT_TRUE(thread.post([&](Store&) {
      begun = true;
      const std::lock_guard wait(hold);
    }));
    while (!begun) std::this_thread::yield();
    for (int i = 1; i <= 3; ++i) {
      ASSERT_TRUE(thread.ask(
          [i](Store& store) { return store.put(a_result(std::to_string(i), "alice")); },
          [&seen, i](const Outcome<>& outcome) { seen.push_back(std::to_string(i) + problem_of(outcome)); }));
    }
    EXPECT_FALSE(thread.post([](Store&) {}));
    EXPECT_EQ(thread.waiting(), 3u);
    hold.unlock();
  }
  EXPECT_THAT(seen, testing::ElementsAre("1", "2", "3"));
}

TEST(OnAThread, TroubleIsSeenFromOutsideAndGoesAway) {
  const TemporaryFolder folder;
  const auto path = folder.path("store.sqlite");
  StoreThread thread(opened(path, {.patience = 10ms}));
  const auto put = [&] {
    std::atomic<bool> done = false;
    EXPECT_TRUE(thread.ask([](Store& store) { return store.put(a_result("d_1", "alice")); },
                           [&](const Outcome<>&) { done = true; }));
    while (!done) std::this_thread::yield();
    // The state is set after the job: one more job passes when it is.
    std::atomic<bool> passed = false;
    EXPECT_TRUE(thread.post([&](Store&) { passed = true; }));
    while (!passed) std::this_thread::yield();
  };
  {
    const Holder holder(path);
    put();
    ASSERT_TRUE(thread.trouble());
    EXPECT_EQ(thread.trouble()->trouble, Trouble::locked);
  }
  put();
  EXPECT_FALSE(thread.trouble());
}

}  // namespace
}  // namespace smtpdx::store
