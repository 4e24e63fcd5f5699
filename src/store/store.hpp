// SPDX-License-Identifier: Apache-2.0
#pragma once

// What `serve` keeps: results, accounts, sessions, tokens, idempotency keys, the audit log, sealed secrets. One
// interface, two databases: an SQLite file by default, PostgreSQL by URL (docs/decisions/009-store.md).
//
// Durable: a call that changes something and returns success has reached the disk (SQLite: WAL with synchronous=FULL;
// PostgreSQL: synchronous_commit=on). This holds for every such call; nothing is kept less firmly. A call that returns
// an error has changed nothing, with one exception: `gone` after a lost connection can mean that the last step's answer
// was lost. Every changing call may be repeated after it: a second time does no harm (an audit entry may be there
// twice).
//
// Trouble is returned as a value and passes by itself: the next call tries again (SQLite at once, PostgreSQL with a
// back-off of 0.1 to 30 seconds, during which calls fail at once). `trouble()` says how things stand.
//
// Who looks for a name that could not be kept (empty, too long, not UTF-8) finds nothing; to keep one is `invalid`.
//
// Calls block, at most about OpenOptions::patience for each statement. One thread at a time uses a Store: put it behind
// a StoreThread (store/store_thread.hpp) where a loop must not wait.
//
// Nothing here looks at the clock, except the back-off at the steady one: times come from the caller, and order comes
// from the database's own counting, so that a clock going backwards changes no order and no cursor.

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/error.hpp"
#include "store/values.hpp"

namespace smtpdx::store {

class Sql;

struct OpenOptions {
  /// How long a call waits for a lock, a connection or an answer.
  Duration patience = 5s;
  /// What to do where the database cannot be reached, is locked, full or read-only at the start: fail, or give a Store
  /// that keeps trying at every call. Damage, a newer schema and missing rights fail in any case.
  enum class Start { must_work, may_come_later } start = Start::must_work;
};

enum class WithSecrets { no, yes };

class Store {
 public:
  explicit Store(std::unique_ptr<Sql> sql);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Results.

  /// Adds it, or replaces the one of the same owner and id; its place in the order stays.
  Outcome<> put(const StoredResult& result);
  Outcome<std::optional<StoredResult>> get(std::string_view id, std::string_view owner);
  Outcome<Page<ResultSummary>> list(const ResultQuery& query);
  /// False where there was none. What is erased is overwritten in an SQLite file, too (secure_delete).
  Outcome<bool> erase(std::string_view id, std::string_view owner);
  /// By `created`, in steps: where it fails, some may be erased. Returns how many.
  Outcome<std::uint64_t> erase_older(WallTime than);

  // Accounts.

  /// `taken` where the name is in use.
  Outcome<> add_user(const User& user);
  Outcome<std::optional<User>> find_user(std::string_view name);
  Outcome<std::vector<User>> users();
  /// Ends the user's sessions, too. False where there is no such user.
  Outcome<bool> set_password(std::string_view name, std::string_view hash);
  Outcome<bool> set_role(std::string_view name, std::string_view role);
  /// With everything that is the user's: results, sessions, tokens, idempotency keys, secrets. The audit log stays.
  Outcome<bool> erase_user(std::string_view name);

  // Sessions.

  Outcome<> add_session(const Session& session);
  /// Absent where it is unknown or ended at or before `now`.
  Outcome<std::optional<Session>> find_session(std::string_view token_hash, WallTime now);
  Outcome<bool> erase_session(std::string_view token_hash);
  /// Sessions and idempotency keys that ended at or before `now`. Returns how many.
  Outcome<std::uint64_t> erase_expired(WallTime now);

  // API tokens.

  /// `taken` where id or hash is in use.
  Outcome<> add_token(const ApiToken& token);
  /// Absent where it is unknown, revoked, or ended at or before `now`.
  Outcome<std::optional<ApiToken>> find_token(std::string_view hash, WallTime now);
  /// Newest first, revoked and ended ones, too.
  Outcome<std::vector<ApiToken>> tokens(std::string_view owner);
  /// False where the owner has no such token; one that was revoked before keeps its time.
  Outcome<bool> revoke_token(std::string_view id, std::string_view owner, WallTime when);

  // Idempotency.

  /// Keeps the entry unless the owner's key is in use and has not ended at `now`.
  Outcome<Remembered> remember(const Idempotent& entry, WallTime now);
  Outcome<std::optional<Idempotent>> recall(std::string_view owner, std::string_view key, WallTime now);

  // Audit log: entries are only added, and erased by age.

  Outcome<> audit(const AuditEntry& entry);
  Outcome<Page<AuditEntry>> audit_log(std::size_t limit, std::string_view cursor = {});

  // Secrets, sealed before they come here (store/secret_box.hpp).

  Outcome<> put_secret(std::string_view owner, std::string_view name, std::string_view sealed);
  Outcome<std::optional<std::string>> secret(std::string_view owner, std::string_view name);
  Outcome<std::vector<std::string>> secret_names(std::string_view owner);
  Outcome<bool> erase_secret(std::string_view owner, std::string_view name);

  // Upkeep.

  /// Opens the database where it is not open; every call does so by itself.
  Outcome<> connect();
  /// Erases what is older than allowed, and what has expired. `clock` where the wall clock is further ahead than can be
  /// believed (a day more than the steady clock says since the last call, or 60 days since the store last looked): then
  /// nothing is erased until the clock has gone on evenly for an hour. Erases at most 5,000 results and 5,000 entries a
  /// call, in steps, so that nobody waits long for it: call it every few minutes.
  Outcome<Erased> retain(const Retention& retention, ClockReading clock);
  /// NDJSON: a header line, one line a row, a last line with their number. A consistent moment. Accounts with their
  /// password hashes are in it; sessions never; sealed secrets only if asked for. Whoever gets it should be trusted.
  Outcome<> export_to(std::ostream& out, WithSecrets secrets);
  /// All or nothing. Rows that exist here stay as they are. `foreign` for a stream that is no export or was cut off.
  Outcome<Imported> import_from(std::istream& in);
  /// An SQLite store at `path` (which must not exist) holding all of this one, sessions and sealed secrets included,
  /// made while it is in use. It is complete or not there. open_store opens it; PostgreSQL's own pg_dump works as well.
  Outcome<> backup_to(const std::string& path);
  /// Looks through all of it: `corrupt` with what was found, else nothing.
  Outcome<> check();
  /// Writes something small durably: whether writing works (again).
  Outcome<> probe();
  Outcome<Counts> counts();

  /// How things stood at the last call: absent where it worked or the caller was to blame.
  const std::optional<StoreError>& trouble() const { return trouble_; }
  /// For people: "SQLite file /…", "PostgreSQL at HOST, database NAME". No password.
  std::string where() const;

 private:
  template <class Work>
  auto attempt(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))>;
  template <class Work>
  auto look_up(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))>;
  template <class Work>
  auto write(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))>;
  template <class Work>
  auto write_and_tidy(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))>;
  void tidy();
  bool clock_is_believable(Sql& sql, ClockReading clock);
  Outcome<std::uint64_t> erase_in_steps(const std::string& table, const std::string& column, WallTime than,
                                        unsigned most_steps);
  Outcome<Erased> erase_aged(const Retention& retention, WallTime now);

  std::unique_ptr<Sql> sql_;
  std::optional<StoreError> trouble_;
  std::optional<ClockReading> last_look_;
  std::optional<Duration> doubtful_until_;  ///< steady
};

/// "sqlite:/path", "/path", "sqlite::memory:" (forgotten at the end), "postgres://…" or "postgresql://…" (as libpq
/// reads them; the password may also come from PGPASSWORD, PGPASSFILE or `passfile=`). Makes what is missing, the file
/// with mode 0600, and brings an older schema up to date; a newer one is refused.
Outcome<std::unique_ptr<Store>> open_store(const std::string& url, OpenOptions options = {});

/// `$XDG_STATE_HOME/smtpdx/store.sqlite`, else below ~/.local/state. `invalid` where there is neither home nor state.
Outcome<std::string> default_store_path();

/// `prefix` and 26 random letters and digits (130 bits from the system's generator): unique without a clock or a count,
/// and nobody guesses it.
std::string make_id(std::string_view prefix);

}  // namespace smtpdx::store
