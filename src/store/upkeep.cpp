// SPDX-License-Identifier: Apache-2.0

// The audit log, retention, looking after the whole.

#include <ctime>
#include <limits>

#include "store/attempt.hpp"
#include "store/transfer.hpp"

namespace smtpdx::store {
namespace {

/// Steps forward of the wall clock that nobody means: while we ran, and while we did not.
constexpr Duration largest_step = 24h;
constexpr Duration longest_absence = 24h * 60;
/// Time servers set a wrong clock right within minutes.
constexpr Duration doubt = 1h;
constexpr std::uint64_t rows_a_step = 200;
constexpr unsigned steps_a_call = 25;

std::optional<std::int64_t> state_of(Sql& sql, std::string_view name) {
  const auto found = sql.run("SELECT value FROM state WHERE name = $1", {std::string(name)});
  if (found.rows.empty()) return std::nullopt;
  return number_at(found.rows[0], 0);
}

void set_state(Sql& sql, std::string_view name, std::int64_t value) {
  sql.run("INSERT INTO state(name, value) VALUES($1, $2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
          {std::string(name), value});
}

std::uint64_t count_of(Sql& sql, std::string_view statement) {
  return static_cast<std::uint64_t>(number_at(sql.run(statement).rows.at(0), 0));
}

}  // namespace

Outcome<> Store::audit(const AuditEntry& entry) {
  // Writing it a second time after a lost connection must not make two of it.
  const auto uid = make_id("");
  return write([&](Sql& sql) {
    sql.run(
        "INSERT INTO audit(uid, at, who, what, target, outcome) VALUES($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        {uid, to_micros(entry.time), checked_text(entry.who, "who"), checked_text(entry.what, "what"),
         checked_text(entry.target, "the target"), checked_text(entry.outcome, "the outcome")});
  });
}

Outcome<Page<AuditEntry>> Store::audit_log(std::size_t wanted, std::string_view cursor) {
  return attempt([&](Sql& sql) {
    const auto limit = page_size(wanted);
    auto found =
        sql.run("SELECT seq, at, who, what, target, outcome FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
                {seq_before(cursor), static_cast<std::int64_t>(limit + 1)});
    Page<AuditEntry> page;
    if (found.rows.size() > limit) {
      found.rows.resize(limit);
      page.next = std::to_string(number_at(found.rows.back(), 0));
    }
    for (const auto& row : found.rows) {
      page.items.push_back({.time = time_at(row, 1),
                            .who = text_at(row, 2),
                            .what = text_at(row, 3),
                            .target = text_at(row, 4),
                            .outcome = text_at(row, 5)});
    }
    return page;
  });
}

Outcome<std::uint64_t> Store::erase_older(WallTime than) {
  auto erased = erase_in_steps("results", "created", than, std::numeric_limits<unsigned>::max());
  tidy();
  return erased;
}

Outcome<std::uint64_t> Store::erase_expired(WallTime now) {
  return write([&](Sql& sql) {
    return sql.run("DELETE FROM sessions WHERE expires <= $1", {to_micros(now)}).changed +
           sql.run("DELETE FROM idempotency WHERE expires <= $1", {to_micros(now)}).changed;
  });
}

ClockReading ClockReading::now() {
  timespec steady{};
  ::clock_gettime(CLOCK_BOOTTIME, &steady);
  return {std::chrono::system_clock::now(),
          std::chrono::seconds(steady.tv_sec) + std::chrono::nanoseconds(steady.tv_nsec)};
}

/// What went ahead without time having passed is not believed: a wrong year would erase everything. Going back erases
/// nothing, so that needs no doubt.
bool Store::clock_is_believable(Sql& sql, ClockReading clock) {
  Duration ahead{0};
  if (last_look_) {
    ahead = (clock.wall - last_look_->wall) - (clock.steady - last_look_->steady) - largest_step;
  } else if (const auto seen = state_of(sql, "clock_seen")) {
    ahead = clock.wall - from_micros(*seen) - longest_absence;
  }
  if (ahead > Duration{0}) doubtful_until_ = clock.steady + doubt;
  last_look_ = clock;
  if (doubtful_until_ && clock.steady >= *doubtful_until_) doubtful_until_.reset();
  return !doubtful_until_;
}

/// In transactions of a few hundred rows: a database server allows a statement only so much time, SQLite's WAL grows
/// with the transaction, and others want to write in between.
Outcome<std::uint64_t> Store::erase_in_steps(const std::string& table, const std::string& column, WallTime than,
                                             unsigned most_steps) {
  const auto statement = "DELETE FROM " + table + " WHERE seq IN (SELECT seq FROM " + table + " WHERE " + column +
                         " < $1 LIMIT " + std::to_string(rows_a_step) + ")";
  std::uint64_t all = 0;
  for (unsigned i = 0; i < most_steps; ++i) {
    const auto erased = write([&](Sql& sql) { return sql.run(statement, {to_micros(than)}).changed; });
    if (!erased) return erased;
    all += *erased;
    if (*erased < rows_a_step) break;
  }
  return all;
}

Outcome<Erased> Store::erase_aged(const Retention& retention, WallTime now) {
  Erased erased;
  const std::pair<Outcome<std::uint64_t>, std::uint64_t&> all[] = {
      {retention.results ? erase_in_steps("results", "created", now - *retention.results, steps_a_call) : 0,
       erased.results},
      {retention.audit ? erase_in_steps("audit", "at", now - *retention.audit, steps_a_call) : 0, erased.audit},
      {erase_expired(now), erased.expired},
  };
  for (const auto& [outcome, count] : all) {
    if (!outcome) return std::unexpected(outcome.error());
    count = *outcome;
  }
  return erased;
}

Outcome<Erased> Store::retain(const Retention& retention, ClockReading clock) {
  const auto look = write([&](Sql& sql) {
    if (!clock_is_believable(sql, clock)) {
      throw Failure(Trouble::clock, "the clock went further ahead than can be believed; nothing is erased for an hour",
                    "see that the clock is right (timedatectl); if it is, wait: retention goes on by itself");
    }
    set_state(sql, "clock_seen", to_micros(clock.wall));
  });
  if (!look) return std::unexpected(look.error());
  auto erased = erase_aged(retention, clock.wall);
  if (erased && erased->results + erased->audit > 0) tidy();
  return erased;
}

Outcome<> Store::check() {
  return attempt([](Sql& sql) {
    const auto found = sql.check();
    if (found.empty()) return verify_tables(sql);
    std::string words = found.front();
    if (found.size() > 1) words += " (and " + std::to_string(found.size() - 1) + " more)";
    throw Failure(Trouble::corrupt, sql.where() + " is damaged: " + words, "export what can be read, restore a backup");
  });
}

Outcome<> Store::probe() {
  return write([](Sql& sql) { set_state(sql, "probe", state_of(sql, "probe").value_or(0) + 1); });
}

Outcome<Counts> Store::counts() {
  return attempt([](Sql& sql) {
    return Counts{.results = count_of(sql, "SELECT count(*) FROM results"),
                  .users = count_of(sql, "SELECT count(*) FROM users"),
                  .sessions = count_of(sql, "SELECT count(*) FROM sessions"),
                  .tokens = count_of(sql, "SELECT count(*) FROM tokens"),
                  .audit = count_of(sql, "SELECT count(*) FROM audit")};
  });
}

}  // namespace smtpdx::store
