// SPDX-License-Identifier: Apache-2.0
#include "store/migrations.hpp"

#include <array>

#include "base/text.hpp"

namespace smtpdx::store {
namespace {

constexpr std::array steps = {
    Migration{1, R"(
CREATE TABLE results(
  seq {SEQ},
  owner {TEXT} NOT NULL,
  id {TEXT} NOT NULL,
  kind {TEXT} NOT NULL,
  title {TEXT} NOT NULL,
  status {TEXT} NOT NULL,
  created {INT} NOT NULL,
  finished {INT},
  request_json {TEXT} NOT NULL,
  input {BLOB} NOT NULL,
  result_json {TEXT} NOT NULL,
  UNIQUE(owner, id)){STRICT};
CREATE INDEX results_by_owner ON results(owner, seq);
CREATE INDEX results_by_age ON results(created);
CREATE TABLE idempotency(
  owner {TEXT} NOT NULL,
  request_key {TEXT} NOT NULL,
  request_hash {BLOB} NOT NULL,
  result_id {TEXT} NOT NULL,
  expires {INT} NOT NULL,
  PRIMARY KEY(owner, request_key)){STRICT};
CREATE INDEX idempotency_by_age ON idempotency(expires);
CREATE TABLE state(
  name {TEXT} NOT NULL PRIMARY KEY,
  value {INT} NOT NULL){STRICT};
)"},
    Migration{2, R"(
CREATE TABLE users(
  name {TEXT} NOT NULL PRIMARY KEY,
  password_hash {TEXT} NOT NULL,
  role {TEXT} NOT NULL,
  created {INT} NOT NULL){STRICT};
CREATE TABLE sessions(
  token_hash {BLOB} NOT NULL PRIMARY KEY,
  user_name {TEXT} NOT NULL,
  created {INT} NOT NULL,
  expires {INT} NOT NULL){STRICT};
CREATE INDEX sessions_by_user ON sessions(user_name);
CREATE INDEX sessions_by_age ON sessions(expires);
CREATE TABLE tokens(
  seq {SEQ},
  id {TEXT} NOT NULL UNIQUE,
  owner {TEXT} NOT NULL,
  name {TEXT} NOT NULL,
  hash {BLOB} NOT NULL UNIQUE,
  scopes {TEXT} NOT NULL,
  created {INT} NOT NULL,
  expires {INT},
  revoked {INT}){STRICT};
CREATE INDEX tokens_by_owner ON tokens(owner, seq);
CREATE TABLE audit(
  seq {SEQ},
  uid {TEXT} NOT NULL UNIQUE,
  at {INT} NOT NULL,
  who {TEXT} NOT NULL,
  what {TEXT} NOT NULL,
  target {TEXT} NOT NULL,
  outcome {TEXT} NOT NULL){STRICT};
CREATE INDEX audit_by_age ON audit(at);
CREATE TABLE secrets(
  owner {TEXT} NOT NULL,
  name {TEXT} NOT NULL,
  sealed {BLOB} NOT NULL,
  PRIMARY KEY(owner, name)){STRICT};
)"},
};

std::string in_dialect(std::string_view text, Dialect dialect) {
  const bool lite = dialect == Dialect::sqlite;
  auto s = replace_all(std::string(text), "{SEQ}",
                       lite ? "INTEGER PRIMARY KEY AUTOINCREMENT" : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
  s = replace_all(std::move(s), "{BLOB}", lite ? "BLOB" : "BYTEA");
  s = replace_all(std::move(s), "{INT}", lite ? "INTEGER" : "BIGINT");
  s = replace_all(std::move(s), "{TEXT}", lite ? "TEXT" : "TEXT COLLATE \"C\"");
  return replace_all(std::move(s), "{STRICT}", lite ? " STRICT" : "");
}

std::int64_t number(const Answer& answer) {
  if (answer.rows.empty() || answer.rows[0].empty()) return 0;
  const auto* value = std::get_if<std::int64_t>(&answer.rows[0][0]);
  return value ? *value : 0;
}

bool has_versions(Sql& sql) {
  return number(sql.run(sql.dialect() == Dialect::sqlite
                            ? "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"
                            : "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = "
                              "'schema_version'")) > 0;
}

std::int64_t version_of(Sql& sql) {
  return has_versions(sql) ? number(sql.run("SELECT coalesce(max(version), 0) FROM schema_version")) : 0;
}

void run_all(Sql& sql, std::string_view statements) {
  const std::string text = in_dialect(statements, sql.dialect());
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    const auto end = rest.find(";\n");
    sql.run(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : trim(rest.substr(end + 2));
  }
}

}  // namespace

std::span<const Migration> migrations() { return steps; }

void migrate(Sql& sql, std::span<const Migration> wanted) {
  const std::int64_t newest = wanted.empty() ? 0 : wanted.back().version;
  std::int64_t here = version_of(sql);
  if (here == newest) return;
  if (here < newest) {
    Transaction all(sql, Access::write);
    // SQLite's write transaction has room for one; PostgreSQL's has for many.
    if (sql.dialect() == Dialect::postgres) sql.run("SELECT pg_advisory_xact_lock(731604512)");
    run_all(sql, "CREATE TABLE IF NOT EXISTS schema_version(version {INT} NOT NULL PRIMARY KEY){STRICT};\n");
    here = version_of(sql);  // somebody may have been quicker
    for (const auto& step : wanted) {
      if (step.version <= here) continue;
      run_all(sql, step.statements);
      sql.run("INSERT INTO schema_version(version) VALUES($1)", {std::int64_t{step.version}});
    }
    all.commit();
  }
  if (here > newest) {
    throw Failure(Trouble::newer_schema,
                  "the store was written by a newer smtpdx (schema " + std::to_string(here) + ", this one knows " +
                      std::to_string(newest) + ")",
                  "start the newer smtpdx, or restore a backup made before it was installed");
  }
}

}  // namespace smtpdx::store
