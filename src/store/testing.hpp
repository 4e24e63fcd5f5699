// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the tests of this floor: folders, stores with something in them, and one text that has all of a store in it.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/text.hpp"
#include "store/sql.hpp"
#include "store/store.hpp"

#define ASSERT_OK(expression) ASSERT_EQ(::smtpdx::store::problem_of(expression), "")
#define EXPECT_OK(expression) EXPECT_EQ(::smtpdx::store::problem_of(expression), "")

namespace smtpdx::store {

template <class T>
std::string problem_of(const Outcome<T>& outcome) {
  return outcome ? "" : std::string(to_string(outcome.error().trouble)) + ": " + outcome.error().message;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "smtpdx-store-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    folder_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::vector<std::string> names_like(std::string_view part) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      if (entry.path().filename().string().find(part) != std::string::npos) names.push_back(entry.path().filename());
    }
    return names;
  }

 private:
  std::filesystem::path folder_;
};

inline unsigned mode_of(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0;
}

inline std::string replaced(const std::string& text, std::string_view from, std::string_view to) {
  return replace_all(text, from, to);
}

/// Seconds after some moment.
inline WallTime at(int seconds) { return WallTime(std::chrono::seconds(1'700'000'000 + seconds)); }

inline const char* postgres_url() { return std::getenv("SMTPDX_TEST_POSTGRES"); }

/// Empties the database for tests; false where none is named.
inline bool fresh_postgres() {
  if (!postgres_url()) return false;
  const auto sql = make_postgres(postgres_url(), 10s);
  sql->ready();
  sql->run("DROP SCHEMA smtpdx CASCADE");
  return true;
}

inline std::unique_ptr<Store> opened(const std::string& url, OpenOptions options = {}) {
  auto store = open_store(url, options);
  EXPECT_OK(store);
  if (!store) std::abort();
  return std::move(*store);
}

inline StoredResult a_result(const std::string& id, const std::string& owner) {
  return {.id = id,
          .owner = owner,
          .kind = "diagnosis",
          .title = "why " + id,
          .status = "done",
          .created = at(5),
          .finished = {},
          .request_json = R"({"text":"550 5.7.1"})",
          .input = "550 5.7.1 Relaying denied",
          .result_json = R"({"verdict":"problem"})"};
}

inline std::vector<std::string> ids(const Page<ResultSummary>& page) {
  std::vector<std::string> all;
  for (const auto& item : page.items) all.push_back(item.id);
  return all;
}

/// Something in every table, all of it alice's.
inline Outcome<> fill(Store& store) {
  Outcome<> all;
  const auto keep = [&all](const auto& outcome) {
    if (!outcome && all) all = std::unexpected(outcome.error());
  };
  for (int i = 1; i <= 3; ++i) {
    auto result = a_result("d_" + std::to_string(i), "alice");
    result.input = std::string("\0\xFF", 2) + std::to_string(i);
    result.created = at(i * 8);
    if (i == 2) result.finished = at(20);
    keep(store.put(result));
    keep(store.audit({at(i), "alice", "result.save", result.id, "ok"}));
  }
  keep(store.add_user({"alice", "$argon2id$", "admin", at(1)}));
  keep(store.add_session({"session", "alice", at(1), at(100'000'000)}));
  keep(store.add_token({"t_1", "alice", "script", "token", {"a", "b"}, at(1), {}, at(7)}));
  keep(store.add_token({"t_2", "alice", "", "token 2", {}, at(2), at(900), {}}));
  keep(store.remember({"alice", "key", "hash", "d_1", at(100'000'000)}, at(1)));
  keep(store.put_secret("alice", "s", "sealed"));
  return all;
}

/// What an export has of it but for the audit entries' random names: equal texts, equal stores.
inline std::string contents(Store& store) {
  std::stringstream lines;
  EXPECT_OK(store.export_to(lines, WithSecrets::no));
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    if (const auto uid = line.find("\"uid\""); uid != std::string::npos) line.erase(uid);
    all += line + "\n";
  }
  return all;
}

inline std::string contents_of_fill() {
  const auto store = opened("sqlite::memory:");
  EXPECT_OK(fill(*store));
  return contents(*store);
}

}  // namespace smtpdx::store
