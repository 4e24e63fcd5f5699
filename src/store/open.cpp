// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include <cstdlib>

#include "base/text.hpp"
#include "store/attempt.hpp"

namespace smtpdx::store {
namespace {

/// Trouble of the moment, worth waiting for.
bool may_pass(Trouble trouble) {
  return trouble == Trouble::gone || trouble == Trouble::locked || trouble == Trouble::disk_full ||
         trouble == Trouble::read_only;
}

Outcome<std::unique_ptr<Sql>> make_sql(const std::string& url, Duration patience) {
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) return make_postgres(url, patience);
  std::string path = url;
  if (path.starts_with("sqlite:")) {
    path = path.substr(7);
    if (path.starts_with("//")) path = path.substr(2);
  } else if (const auto colon = path.find("://"); colon != std::string::npos) {
    return troubled(Trouble::invalid, "\"" + printable(path.substr(0, colon + 3), 40) + "\" begins no store's URL",
                    "use sqlite:/path, a path, or postgres://USER@HOST/DATABASE");
  }
  // SQLite reads "file:" names and other ":names" in its own way.
  if (path.empty() || (path.starts_with(":") && path != ":memory:") || path.find('\0') != std::string::npos) {
    return troubled(Trouble::invalid, "the store's URL names no file", "use sqlite:/path or a path");
  }
  if (path.starts_with("file:")) path = "./" + path;
  return make_sqlite(std::move(path), patience);
}

}  // namespace

Store::Store(std::unique_ptr<Sql> sql) : sql_(std::move(sql)) {}
Store::~Store() = default;
Outcome<> Store::connect() {
  return attempt([](Sql&) {});
}

/// That something is erased holds already where tidying up fails; the next time makes up for it.
void Store::tidy() {
  try {
    sql_->tidy();
  } catch (const Failure&) {
  }
}

std::string Store::where() const { return sql_->where(); }

Outcome<std::unique_ptr<Store>> open_store(const std::string& url, OpenOptions options) {
  auto sql = make_sql(url, options.patience);
  if (!sql) return std::unexpected(std::move(sql.error()));
  auto store = std::make_unique<Store>(std::move(*sql));
  auto opened = store->connect();
  const bool waits = options.start == OpenOptions::Start::may_come_later;
  if (!opened && !(waits && may_pass(opened.error().trouble))) return std::unexpected(std::move(opened.error()));
  return store;
}

Outcome<std::string> default_store_path() {
  // XDG Base Directory Specification: a relative path there is invalid and ignored.
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/smtpdx/store.sqlite";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return std::string(home) + "/.local/state/smtpdx/store.sqlite";
  return troubled(Trouble::invalid, "neither XDG_STATE_HOME nor HOME names a directory for the store",
                  "name one with --store");
}

std::string make_id(std::string_view prefix) {
  static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();  // no source of randomness: nothing that follows would be safe
  unsigned char random[26];
  randombytes_buf(random, sizeof random);
  std::string id(prefix);
  for (const auto octet : random) id += letters[octet % 32];
  return id;
}

}  // namespace smtpdx::store
