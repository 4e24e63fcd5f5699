// SPDX-License-Identifier: Apache-2.0

// The PostgreSQL side of Sql: libpq, never waiting without a deadline. The library's own blocking calls would wait for
// ever on a server that has stopped but whose connection lives; so everything is sent, and waited for with poll().
//
// A lost connection is closed and is `gone`; the next ready() connects again, unless the last attempt failed a moment
// ago: then it fails at once, for 0.1 seconds at first, then doubling up to 30, so that a server that is down costs
// callers nothing but the first time-out. Our tables live in the schema "smtpdx" of the database that the URL names.
//
// Deadlines do not cover the look-up of the server's name, which libpq does by the C library: with name servers that do
// not answer, that takes as long as resolv.conf says.

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "store/libpq.hpp"
#include "store/migrations.hpp"
#include "store/sql.hpp"

namespace smtpdx::store {
namespace {

using Clock = std::chrono::steady_clock;

// pg_type.dat: numbers that never change.
constexpr Oid bytea_type = 17;
constexpr Oid int8_type = 20;
constexpr Oid text_type = 25;
constexpr int binary = 1;

constexpr Duration shortest_pause = 100ms;
constexpr Duration longest_pause = 30s;

std::string big_endian(std::int64_t number) {
  std::string octets(8, '\0');
  auto bits = static_cast<std::uint64_t>(number);
  for (int i = 7; i >= 0; --i, bits >>= 8) octets[static_cast<std::size_t>(i)] = static_cast<char>(bits & 0xFF);
  return octets;
}

std::int64_t from_big_endian(std::string_view octets) {
  std::uint64_t bits = 0;
  for (const auto octet : octets) bits = bits << 8 | static_cast<unsigned char>(octet);
  return static_cast<std::int64_t>(bits);
}

/// libpq's words are lines with a final LF, sometimes several.
std::string one_line(std::string_view words) { return printable(fold_space(words), 500); }

/// Class and meaning of an SQLSTATE (PostgreSQL manual, appendix A).
Trouble trouble_of(std::string_view state) {
  if (state == "53100") return Trouble::disk_full;
  if (state == "55P03" || state == "57014" || state.starts_with("40")) return Trouble::locked;
  if (state.starts_with("08") || state.starts_with("57P") || state == "53300") return Trouble::gone;
  if (state == "25006") return Trouble::read_only;
  if (state.starts_with("28") || state == "42501" || state == "3D000") return Trouble::denied;
  if (state.starts_with("XX00") || state == "42P01" || state == "42703" || state == "3F000") return Trouble::corrupt;
  return Trouble::failed;
}

std::string hint_of(Trouble kind) {
  switch (kind) {
    case Trouble::disk_full:
      return "free some space on the database server; smtpdx goes on by itself";
    case Trouble::locked:
      return "see what holds the lock (pg_stat_activity); smtpdx goes on by itself";
    case Trouble::gone:
      return "see that the database server runs and can be reached; smtpdx connects again by itself";
    case Trouble::read_only:
      return "name the primary server, or wait until this one takes writes";
    case Trouble::denied:
      return "look at user, password and rights: the user must be allowed to create in the database";
    case Trouble::corrupt:
      return "restore a backup, or look at the database server's log";
    default:
      return "look at the database server's log";
  }
}

class PostgresSql final : public Sql {
 public:
  PostgresSql(std::string url, Duration patience) : url_(std::move(url)), patience_(patience) {}
  ~PostgresSql() override { close(); }

  Dialect dialect() const override { return Dialect::postgres; }
  std::string where() const override { return where_; }

  bool ready() override {
    if (conn_ && still_there()) return true;
    close();
    const auto now = Clock::now();
    if (now < not_before_) {
      auto error = last_error_;
      const auto left = std::chrono::ceil<std::chrono::seconds>(not_before_ - now).count();
      error.message += " (next attempt in " + std::to_string(left) + " s)";
      throw Failure(std::move(error));
    }
    try {
      connect();
      pause_ = shortest_pause;
    } catch (const Failure& failure) {
      close();
      last_error_ = failure.error();
      not_before_ = Clock::now() + pause_;
      pause_ = std::min(pause_ * 2, longest_pause);
      throw;
    }
    return false;
  }

  Answer run(std::string_view text, std::span<const Value> values) override {
    return ask(text, values, Clock::now() + patience_ + std::min(patience_, longest_grace));
  }

  void begin(Access access) override {
    Sql::run(access == Access::write ? "BEGIN READ WRITE" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }
  void commit() override {
    Sql::run("COMMIT");
    // To a transaction that failed COMMIT answers with success, and has rolled it back.
    if (last_tag_ != "COMMIT") throw Failure(Trouble::failed, where_ + ": the transaction was rolled back");
  }
  void rollback() noexcept override {
    if (!conn_ || pq_->PQtransactionStatus(conn_) == PQTRANS_IDLE) return;
    try {
      Sql::run("ROLLBACK");
    } catch (const Failure&) {
      close();
    }
  }

  std::vector<std::string> check() override { return {}; }  // the server looks after its own pages
  void tidy() override {}                                   // and after its space (autovacuum)

 private:
  /// A statement is ended by the server after our patience; only a server that does not do so runs into our own end.
  static constexpr Duration longest_grace = 2s;

  void connect() {
    const auto loaded = libpq();
    if (!loaded) throw Failure(loaded.error());
    pq_ = *loaded;
    check_url();
    const auto deadline = Clock::now() + patience_;
    // The URL stands first, so that what it says itself wins over what we add.
    const char* keys[] = {"application_name", "connect_timeout", "dbname", nullptr};
    const auto seconds = std::to_string(std::max<long long>(2, to_ms(patience_) / 1000));
    const char* values[] = {"smtpdx", seconds.c_str(), url_.c_str(), nullptr};
    conn_ = pq_->PQconnectStartParams(keys, values, 1);
    if (!conn_) throw std::bad_alloc();
    pq_->PQsetNoticeProcessor(conn_, [](void*, const char*) {}, nullptr);  // it would write to our stderr
    shake_hands(deadline);
    pq_->PQsetnonblocking(conn_, 1);
    name_place();
    settle_in();
    migrate(*this);
  }

  /// libpq would say what it cannot read, password and all.
  void check_url() {
    char* problem = nullptr;
    auto* options = pq_->PQconninfoParse(url_.c_str(), &problem);
    pq_->PQfreemem(problem);
    if (!options) {
      throw Failure(Trouble::invalid, "the PostgreSQL URL cannot be read",
                    "write postgres://USER@HOST:PORT/DATABASE, and %XX for special characters");
    }
    pq_->PQconninfoFree(options);
  }

  void shake_hands(Clock::time_point deadline) {
    auto step = PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK && pq_->PQstatus(conn_) != CONNECTION_BAD) {
      if (!wait(step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
        throw Failure(Trouble::gone, where_ + " did not answer in time", hint_of(Trouble::gone));
      }
      step = pq_->PQconnectPoll(conn_);
      if (step == PGRES_POLLING_FAILED) break;
    }
    if (pq_->PQstatus(conn_) != CONNECTION_OK) throw Failure(refused(pq_->PQerrorMessage(conn_)));
  }

  /// No SQLSTATE comes with these; the words are the server's, in its language.
  StoreError refused(std::string_view words) const {
    auto kind = Trouble::gone;
    for (const auto* sign : {"authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist",
                             "permission denied for database"}) {
      if (words.find(sign) != std::string_view::npos) kind = Trouble::denied;
    }
    return {kind, "cannot connect to PostgreSQL: " + one_line(words), hint_of(kind)};
  }

  void name_place() {
    const char* host = pq_->PQhost(conn_);
    const char* name = pq_->PQdb(conn_);
    where_ = "PostgreSQL at " + std::string(host ? host : "") + ", database " + std::string(name ? name : "");
  }

  void settle_in() {
    const auto limit = std::to_string(to_ms(patience_));
    Sql::run("SET client_encoding = 'UTF8'");
    Sql::run("SET synchronous_commit = on");  // whatever the role's default is
    Sql::run("SET lock_timeout = " + limit);
    Sql::run("SET statement_timeout = " + limit);
    Sql::run("SET idle_in_transaction_session_timeout = " + std::to_string(to_ms(patience_) * 6));
    // A user without the right to make schemas may be given one that is there; so look first.
    if (!has_schema()) make_schema();
    Sql::run("SET search_path = smtpdx");
  }

  bool has_schema() { return !Sql::run("SELECT 1::int8 FROM pg_namespace WHERE nspname = 'smtpdx'").rows.empty(); }

  /// IF NOT EXISTS does not keep two who do it at once from meeting.
  void make_schema() {
    try {
      Sql::run("CREATE SCHEMA IF NOT EXISTS smtpdx");
    } catch (const Failure&) {
      if (!conn_ || !has_schema()) throw;
    }
  }

  /// A server that went away has told the socket so; looking costs no round trip.
  bool still_there() {
    if (pq_->PQstatus(conn_) != CONNECTION_OK) return false;
    pollfd look{pq_->PQsocket(conn_), POLLIN, 0};
    if (::poll(&look, 1, 0) <= 0) return true;
    return pq_->PQconsumeInput(conn_) && pq_->PQstatus(conn_) == CONNECTION_OK;
  }

  bool wait(short events, Clock::time_point deadline) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd one{pq_->PQsocket(conn_), events, 0};
      const int n = ::poll(&one, 1, static_cast<int>(std::min<long long>(left, 60'000)));
      if (n > 0) return true;
      if (n < 0 && errno != EINTR) return false;
    }
  }

  [[noreturn]] void lost(const std::string& why) {
    close();
    throw Failure(Trouble::gone, where_ + " is gone: " + why, hint_of(Trouble::gone));
  }

  struct Cleared {
    const Libpq* pq;
    void operator()(PGresult* result) const { pq->PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Cleared>;

  Answer ask(std::string_view text, std::span<const Value> values, Clock::time_point deadline) {
    send(text, values);
    for (;;) {
      const int unsent = pq_->PQflush(conn_);
      if (unsent < 0) lost(one_line(pq_->PQerrorMessage(conn_)));
      if (!wait(static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), deadline)) lost("no answer in time");
      if (!pq_->PQconsumeInput(conn_)) lost(one_line(pq_->PQerrorMessage(conn_)));
      if (!unsent && !pq_->PQisBusy(conn_)) break;
    }
    ResultPtr first(pq_->PQgetResult(conn_), Cleared{pq_});
    if (!first) lost("no answer");
    while (PGresult* more = next_result(deadline)) pq_->PQclear(more);
    return answer_of(first.get());
  }

  PGresult* next_result(Clock::time_point deadline) {
    while (pq_->PQisBusy(conn_)) {
      if (!wait(POLLIN, deadline)) lost("no answer in time");
      if (!pq_->PQconsumeInput(conn_)) lost(one_line(pq_->PQerrorMessage(conn_)));
    }
    return pq_->PQgetResult(conn_);
  }

  void send(std::string_view text, std::span<const Value> values) {
    std::vector<Oid> types;
    std::vector<std::string> numbers(values.size());
    std::vector<const char*> data;
    std::vector<int> lengths;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string* octets = nullptr;
      if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
        octets = &(numbers[i] = big_endian(*number));
      } else if (const auto* words = std::get_if<std::string>(&values[i])) {
        octets = words;
      } else if (const auto* blob = std::get_if<Blob>(&values[i])) {
        octets = &blob->octets;
      }
      // NULL has no type of its own here; the server infers it from the column.
      constexpr Oid type_of[] = {0, int8_type, text_type, bytea_type};
      types.push_back(type_of[values[i].index()]);
      data.push_back(octets ? octets->data() : nullptr);
      lengths.push_back(octets ? static_cast<int>(octets->size()) : 0);
    }
    const std::vector<int> formats(values.size(), binary);
    if (!pq_->PQsendQueryParams(conn_, std::string(text).c_str(), static_cast<int>(values.size()), types.data(),
                                data.data(), lengths.data(), formats.data(), binary)) {
      lost(one_line(pq_->PQerrorMessage(conn_)));
    }
  }

  Answer answer_of(PGresult* result) {
    const auto status = pq_->PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw_error(result);
    last_tag_ = pq_->PQcmdStatus(result);
    Answer answer;
    answer.changed = parse_number(pq_->PQcmdTuples(result)).value_or(0);
    const int columns = pq_->PQnfields(result);
    for (int r = 0; r < pq_->PQntuples(result); ++r) {
      auto& row = answer.rows.emplace_back();
      for (int c = 0; c < columns; ++c) row.push_back(value_at(result, r, c));
    }
    return answer;
  }

  Value value_at(PGresult* result, int row, int column) {
    if (pq_->PQgetisnull(result, row, column)) return {};
    std::string octets(pq_->PQgetvalue(result, row, column),
                       static_cast<std::size_t>(pq_->PQgetlength(result, row, column)));
    switch (pq_->PQftype(result, column)) {
      case int8_type:
        return from_big_endian(octets);
      case bytea_type:
        return Blob{std::move(octets)};
      default:
        return octets;
    }
  }

  [[noreturn]] void throw_error(PGresult* result) {
    const char* state = pq_->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* words = pq_->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    // Without an SQLSTATE it is libpq itself that speaks: of a connection that broke.
    const auto kind = state ? trouble_of(state) : Trouble::gone;
    const auto said = one_line(words ? words : pq_->PQerrorMessage(conn_));
    if (kind == Trouble::gone) lost(said);
    // After a switch of servers the old one takes reads only: the next call may find the new one.
    if (kind == Trouble::read_only) close();
    throw Failure(kind, where_ + ": " + said, hint_of(kind));
  }

  void close() {
    if (conn_) pq_->PQfinish(conn_);
    conn_ = nullptr;
  }

  std::string url_;
  Duration patience_;
  std::string where_ = "PostgreSQL";
  const Libpq* pq_ = nullptr;
  PGconn* conn_ = nullptr;
  Duration pause_ = shortest_pause;
  Clock::time_point not_before_{};
  StoreError last_error_;
  std::string last_tag_;  ///< what the server says it has done: "COMMIT", "INSERT 0 1"
};

}  // namespace

std::unique_ptr<Sql> make_postgres(std::string url, Duration patience) {
  return std::make_unique<PostgresSql>(std::move(url), patience);
}

}  // namespace smtpdx::store
