// SPDX-License-Identifier: Apache-2.0

// The SQLite side of Sql: one file, WAL, synchronous=FULL. Opened at the first call, and again where the file was taken
// away or replaced under us: SQLite would go on writing into the file that has no name any more, and what it
// acknowledged would be lost. What the library says is turned into Trouble here, with errno where that tells more.
//
// Not here: waiting for more than one lock, reading by many threads. One connection, one thread.

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <thread>

#include "store/files.hpp"
#include "store/migrations.hpp"
#include "store/sql.hpp"

namespace smtpdx::store {
namespace {

/// In the file's header: "smtp". `file` and we tell our files from others by it.
constexpr std::int64_t application_id = 0x736D7470;

StoreError full(const std::string& where) {
  return {Trouble::disk_full, "no space left for " + where, "free some space; smtpdx goes on by itself"};
}
StoreError read_only(const std::string& where) {
  return {Trouble::read_only, where + " may not be written",
          "give the user that runs smtpdx the right to write the file and its directory"};
}
StoreError corrupt(const std::string& where, const std::string& words) {
  return {
      Trouble::corrupt, where + " is damaged: " + words,
      "stop smtpdx, move the file and its -wal file away, and restore a backup; sqlite3 FILE .recover may save more"};
}
/// The library tells no more; what the system thinks of writing the file does.
StoreError cannot_open(const std::string& path, const std::string& where, const std::string& words, int error) {
  if (error == ENOSPC) return full(where);
  if (::access(path.c_str(), W_OK) != 0 && (errno == EROFS || errno == EACCES)) return read_only(where);
  return {Trouble::gone, where + " cannot be opened: " + words, "see that its directory exists and may be written"};
}

StoreError explain_io(const std::string& where, const std::string& words, int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return full(where);
  if (error == EROFS) return read_only(where);
  const std::string why = error ? std::string(": ") + std::strerror(error) : "";
  return {Trouble::failed, where + " could not be read or written (" + words + why + ")",
          "look at the disk (dmesg); what was acknowledged before is kept"};
}

/// `error` is errno: what sqlite3_system_errno() gives is 0 after a failed write to the WAL.
StoreError explain(const SQLite::Exception& e, int error, const std::string& path, const std::string& where) {
  switch (e.getErrorCode() & 0xFF) {  // the extended codes tell no more than errno does
    case SQLITE_FULL:
      return full(where);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Trouble::locked, where + " is locked by another program",
              "end the program that holds it (fuser FILE names it); smtpdx goes on by itself"};
    case SQLITE_CORRUPT:
      return corrupt(where, e.what());
    case SQLITE_NOTADB:
      return {Trouble::foreign, where + " is no SQLite database", "name another file, or move this one away"};
    case SQLITE_READONLY:
      return read_only(where);
    case SQLITE_CANTOPEN:
      return cannot_open(path, where, e.what(), error);
    case SQLITE_IOERR:
      return explain_io(where, e.what(), error);
    case SQLITE_TOOBIG:
      return {Trouble::invalid, "a value is larger than the store can keep", "keep less than 1 GB in one piece"};
    default:
      return {Trouble::failed, where + ": " + e.what(), ""};
  }
}

/// Which file it is, whatever its name.
struct FileId {
  dev_t device;
  ino_t inode;
  bool operator==(const FileId&) const = default;
};

std::optional<FileId> file_id(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return std::nullopt;
  return FileId{s.st_dev, s.st_ino};
}

void bind(SQLite::Statement& statement, int index, const Value& value) {
  const std::string name = "$" + std::to_string(index);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind(name, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bindNoCopy(name, *text);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    // An empty one has no address that means "empty": without this it would become NULL.
    statement.bindNoCopy(name, blob->octets.empty() ? "" : blob->octets.data(), static_cast<int>(blob->octets.size()));
  } else {
    statement.bind(name);
  }
}

Value value_of(const SQLite::Column& column) {
  if (column.isNull()) return {};
  if (column.isInteger()) return column.getInt64();
  const auto* octets = static_cast<const char*>(column.getBlob());
  std::string text(octets ? octets : "", static_cast<std::size_t>(column.getBytes()));
  if (column.isBlob()) return Blob{std::move(text)};
  return text;
}

/// Whatever happens, a statement must not keep a lock or point into the caller's values. Outside the place where errors
/// are explained, which look at errno.
struct Reset {
  SQLite::Statement& statement;
  ~Reset() {
    statement.tryReset();
    try {
      statement.clearBindings();
    } catch (const SQLite::Exception&) {
    }
  }
};

class SqliteSql final : public Sql {
 public:
  SqliteSql(std::string path, Duration patience) : path_(std::move(path)), patience_(patience) {}
  ~SqliteSql() override { close(); }

  Dialect dialect() const override { return Dialect::sqlite; }
  std::string where() const override { return in_memory() ? "an SQLite database in memory" : "SQLite file " + path_; }

  bool ready() override {
    if (!db_) {
      open();
      return false;
    }
    if (!in_memory() && file_id(path_) != id_) {
      close();
      throw Failure(Trouble::gone, where() + " was removed or replaced while it was open",
                    "smtpdx opens what lies there now at its next attempt; restore a backup if that is not wanted");
    }
    return true;
  }

  Answer run(std::string_view text, std::span<const Value> values) override {
    auto& statement = guarded([&]() -> SQLite::Statement& { return prepared(text); });
    const Reset reset{statement};
    return guarded([&] {
      for (std::size_t i = 0; i < values.size(); ++i) bind(statement, static_cast<int>(i) + 1, values[i]);
      const auto before = db_->getTotalChanges();
      Answer answer;
      while (statement.executeStep()) {
        auto& row = answer.rows.emplace_back();
        for (int i = 0; i < statement.getColumnCount(); ++i) row.push_back(value_of(statement.getColumn(i)));
      }
      answer.changed = static_cast<std::uint64_t>(db_->getTotalChanges() - before);
      return answer;
    });
  }

  void begin(Access access) override { Sql::run(access == Access::write ? "BEGIN IMMEDIATE" : "BEGIN"); }
  void commit() override { Sql::run("COMMIT"); }
  void rollback() noexcept override {
    // Some errors have rolled back already.
    if (db_ && !sqlite3_get_autocommit(db_->getHandle())) db_->tryExec("ROLLBACK");
  }

  std::vector<std::string> check() override {
    std::vector<std::string> found;
    for (const auto& row : Sql::run("PRAGMA integrity_check(20)").rows) {
      const auto* words = row.empty() ? nullptr : std::get_if<std::string>(&row[0]);
      if (words && *words != "ok") found.push_back(*words);
    }
    return found;
  }

  void tidy() override {
    // Who reads for long (a backup) holds the WAL; waiting for that would hold all the others.
    auto* handle = db_->getHandle();
    sqlite3_busy_timeout(handle, 50);
    try {
      Sql::run("PRAGMA incremental_vacuum(20000)");
      Sql::run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const Failure&) {
      sqlite3_busy_timeout(handle, patience_ms());
      throw;
    }
    sqlite3_busy_timeout(handle, patience_ms());
  }

 private:
  int patience_ms() const { return static_cast<int>(to_ms(patience_)); }
  bool in_memory() const { return path_ == ":memory:"; }

  template <class Work>
  auto guarded(Work work) -> decltype(work()) {
    errno = 0;
    try {
      return work();
    } catch (const SQLite::Exception& e) {
      throw Failure(explain(e, errno, path_, where()));
    }
  }

  void open() {
    if (!in_memory()) make_private_file(path_);
    errno = 0;
    try {
      db_.emplace(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, patience_ms());
      id_ = file_id(path_);
      set_up();
      migrate(*this);
    } catch (const SQLite::Exception& e) {
      auto error = explain(e, errno, path_, where());
      close();
      throw Failure(std::move(error));
    } catch (...) {
      close();
      throw;
    }
  }

  void set_up() {
    auto* handle = db_->getHandle();
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // In this order: somebody who makes it at the same time sets the id before the first table.
    const bool empty = db_->execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
    const auto ours = db_->execAndGet("PRAGMA application_id").getInt64();
    if (ours != application_id && !(ours == 0 && empty)) {
      throw Failure(Trouble::foreign, where() + " is another program's database", "name another file");
    }
    if (empty) {
      db_->exec("PRAGMA auto_vacuum=INCREMENTAL");
      db_->exec("PRAGMA application_id=" + std::to_string(application_id));
    }
    // Some file systems have no shared memory for a WAL; a rollback journal is as safe with EXTRA, only slower.
    const std::string mode = journal_mode();
    db_->exec(mode == "wal" ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=EXTRA");
    db_->exec("PRAGMA secure_delete=ON");
    db_->exec("PRAGMA cell_size_check=ON");
    db_->exec("PRAGMA temp_store=MEMORY");
    db_->execAndGet("PRAGMA journal_size_limit=16777216");
  }

  /// SQLite does not wait for a lock here. Two programs that make the same file at once would both fail.
  std::string journal_mode() {
    const auto end = std::chrono::steady_clock::now() + patience_;
    for (;;) try {
        return db_->execAndGet("PRAGMA journal_mode=WAL").getString();
      } catch (const SQLite::Exception& e) {
        if ((e.getErrorCode() & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() > end) throw;
        std::this_thread::sleep_for(10ms);
      }
  }

  void close() {
    statements_.clear();
    db_.reset();
  }

  SQLite::Statement& prepared(std::string_view text) {
    const auto found = statements_.find(text);
    if (found != statements_.end()) return found->second;
    SQLite::Statement made(*db_, std::string(text));
    return statements_.emplace(std::string(text), std::move(made)).first->second;
  }

  std::string path_;
  Duration patience_;
  std::optional<SQLite::Database> db_;
  std::optional<FileId> id_;
  /// The floor's own texts, so that their number is bounded.
  std::map<std::string, SQLite::Statement, std::less<>> statements_;
};

}  // namespace

std::unique_ptr<Sql> make_sqlite(std::string path, Duration patience) {
  return std::make_unique<SqliteSql>(std::move(path), patience);
}

}  // namespace smtpdx::store
