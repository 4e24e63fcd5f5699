// SPDX-License-Identifier: Apache-2.0

// Accounts, sessions, API tokens, sealed secrets.

#include "base/text.hpp"
#include "store/attempt.hpp"

namespace smtpdx::store {
namespace {

User user_of(const Row& row) {
  return {
      .name = text_at(row, 0), .password_hash = text_at(row, 1), .role = text_at(row, 2), .created = time_at(row, 3)};
}

constexpr std::string_view token_columns =
    "SELECT id, owner, name, hash, scopes, created, expires, revoked FROM tokens ";

ApiToken token_of(const Row& row) {
  ApiToken token{.id = text_at(row, 0),
                 .owner = text_at(row, 1),
                 .name = text_at(row, 2),
                 .hash = octets_at(row, 3),
                 .scopes = {},
                 .created = time_at(row, 5),
                 .expires = optional_time_at(row, 6),
                 .revoked = optional_time_at(row, 7)};
  const auto scopes = text_at(row, 4);
  for (const auto scope : split_words(scopes)) token.scopes.emplace_back(scope);
  return token;
}

std::string scopes_text(const std::vector<std::string>& scopes) {
  for (const auto& scope : scopes) {
    checked_name(scope, "a scope");
    if (split_words(scope).size() != 1 || split_words(scope)[0] != scope) {
      throw Failure(Trouble::invalid, "a scope has white space in it");
    }
  }
  return join(scopes, " ");
}

}  // namespace

Outcome<> Store::add_user(const User& user) {
  return write([&](Sql& sql) {
    const auto name = checked_name(user.name, "the user's name");
    const auto added =
        sql.run("INSERT INTO users(name, password_hash, role, created) VALUES($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                {name, checked_name(user.password_hash, "the password's hash"), checked_name(user.role, "the role"),
                 to_micros(user.created)});
    if (added.changed) return;
    // The hash has a random salt: the same one is there only because this very call was made before.
    const auto there = sql.run("SELECT name, password_hash, role, created FROM users WHERE name = $1", {name});
    if (!there.rows.empty() && user_of(there.rows[0]).password_hash == user.password_hash) return;
    throw Failure(Trouble::taken, "there is a user of this name already", "choose another name");
  });
}

Outcome<std::optional<User>> Store::find_user(std::string_view name) {
  return look_up([&](Sql& sql) -> std::optional<User> {
    const auto found = sql.run("SELECT name, password_hash, role, created FROM users WHERE name = $1",
                               {checked_name(name, "the user's name")});
    if (found.rows.empty()) return std::nullopt;
    return user_of(found.rows[0]);
  });
}

Outcome<std::vector<User>> Store::users() {
  return attempt([&](Sql& sql) {
    std::vector<User> all;
    for (const auto& row : sql.run("SELECT name, password_hash, role, created FROM users ORDER BY name").rows) {
      all.push_back(user_of(row));
    }
    return all;
  });
}

Outcome<bool> Store::set_password(std::string_view name, std::string_view hash) {
  return write([&](Sql& sql) {
    const Value user = checked_name(name, "the user's name");
    const bool known = sql.run("UPDATE users SET password_hash = $2 WHERE name = $1",
                               {user, checked_name(hash, "the password's hash")})
                           .changed > 0;
    if (known) sql.run("DELETE FROM sessions WHERE user_name = $1", {user});
    return known;
  });
}

Outcome<bool> Store::set_role(std::string_view name, std::string_view role) {
  return write([&](Sql& sql) {
    return sql.run("UPDATE users SET role = $2 WHERE name = $1",
                   {checked_name(name, "the user's name"), checked_name(role, "the role")})
               .changed > 0;
  });
}

Outcome<bool> Store::erase_user(std::string_view name) {
  return write_and_tidy([&](Sql& sql) {
    const Value user = checked_name(name, "the user's name");
    for (const auto* statement : {"DELETE FROM results WHERE owner = $1", "DELETE FROM sessions WHERE user_name = $1",
                                  "DELETE FROM tokens WHERE owner = $1", "DELETE FROM idempotency WHERE owner = $1",
                                  "DELETE FROM secrets WHERE owner = $1"}) {
      sql.run(statement, {user});
    }
    return sql.run("DELETE FROM users WHERE name = $1", {user}).changed > 0;
  });
}

Outcome<> Store::add_session(const Session& session) {
  return write([&](Sql& sql) {
    sql.run(
        "INSERT INTO sessions(token_hash, user_name, created, expires) VALUES($1, $2, $3, $4) "
        "ON CONFLICT(token_hash) DO UPDATE SET user_name = excluded.user_name, created = excluded.created, "
        "expires = excluded.expires",
        {checked_hash(session.token_hash, "the token's hash"), checked_name(session.user, "the user's name"),
         to_micros(session.created), to_micros(session.expires)});
  });
}

Outcome<std::optional<Session>> Store::find_session(std::string_view token_hash, WallTime now) {
  return look_up([&](Sql& sql) -> std::optional<Session> {
    const auto found =
        sql.run("SELECT token_hash, user_name, created, expires FROM sessions WHERE token_hash = $1 AND expires > $2",
                {checked_hash(token_hash, "the token's hash"), to_micros(now)});
    if (found.rows.empty()) return std::nullopt;
    const auto& row = found.rows[0];
    return Session{.token_hash = octets_at(row, 0),
                   .user = text_at(row, 1),
                   .created = time_at(row, 2),
                   .expires = time_at(row, 3)};
  });
}

Outcome<bool> Store::erase_session(std::string_view token_hash) {
  return write([&](Sql& sql) {
    return sql.run("DELETE FROM sessions WHERE token_hash = $1", {checked_hash(token_hash, "the token's hash")})
               .changed > 0;
  });
}

Outcome<> Store::add_token(const ApiToken& token) {
  return write([&](Sql& sql) {
    const Value id = checked_name(token.id, "the token's id");
    const auto added = sql.run(
        "INSERT INTO tokens(id, owner, name, hash, scopes, created, expires, revoked) "
        "VALUES($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        {id, checked_name(token.owner, "the owner"), checked_text(token.name, "the token's name"),
         checked_hash(token.hash, "the token's hash"), scopes_text(token.scopes), to_micros(token.created),
         optional_time(token.expires), optional_time(token.revoked)});
    if (added.changed) return;
    const auto there = sql.run(std::string(token_columns) + "WHERE id = $1", {id});
    if (!there.rows.empty() && token_of(there.rows[0]).hash == token.hash) return;  // this very call, made before
    throw Failure(Trouble::taken, "there is a token of this id or hash already", "make a new one");
  });
}

Outcome<std::optional<ApiToken>> Store::find_token(std::string_view hash, WallTime now) {
  return look_up([&](Sql& sql) -> std::optional<ApiToken> {
    const auto found = sql.run(
        std::string(token_columns) + "WHERE hash = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
        {checked_hash(hash, "the token's hash"), to_micros(now)});
    if (found.rows.empty()) return std::nullopt;
    return token_of(found.rows[0]);
  });
}

Outcome<std::vector<ApiToken>> Store::tokens(std::string_view owner) {
  return attempt([&](Sql& sql) {
    std::vector<ApiToken> all;
    const auto found =
        sql.run(std::string(token_columns) + "WHERE owner = $1 ORDER BY seq DESC", {checked_name(owner, "the owner")});
    for (const auto& row : found.rows) all.push_back(token_of(row));
    return all;
  });
}

Outcome<bool> Store::revoke_token(std::string_view id, std::string_view owner, WallTime when) {
  return write([&](Sql& sql) {
    return sql.run("UPDATE tokens SET revoked = coalesce(revoked, $3) WHERE id = $1 AND owner = $2",
                   {checked_name(id, "the token's id"), checked_name(owner, "the owner"), to_micros(when)})
               .changed > 0;
  });
}

Outcome<> Store::put_secret(std::string_view owner, std::string_view name, std::string_view sealed) {
  return write_and_tidy([&](Sql& sql) {
    sql.run(
        "INSERT INTO secrets(owner, name, sealed) VALUES($1, $2, $3) "
        "ON CONFLICT(owner, name) DO UPDATE SET sealed = excluded.sealed",
        {checked_name(owner, "the owner"), checked_name(name, "the secret's name"), Blob{std::string(sealed)}});
  });
}

Outcome<std::optional<std::string>> Store::secret(std::string_view owner, std::string_view name) {
  return look_up([&](Sql& sql) -> std::optional<std::string> {
    const auto found = sql.run("SELECT sealed FROM secrets WHERE owner = $1 AND name = $2",
                               {checked_name(owner, "the owner"), checked_name(name, "the secret's name")});
    if (found.rows.empty()) return std::nullopt;
    return octets_at(found.rows[0], 0);
  });
}

Outcome<std::vector<std::string>> Store::secret_names(std::string_view owner) {
  return attempt([&](Sql& sql) {
    std::vector<std::string> all;
    const auto found =
        sql.run("SELECT name FROM secrets WHERE owner = $1 ORDER BY name", {checked_name(owner, "the owner")});
    for (const auto& row : found.rows) all.push_back(text_at(row, 0));
    return all;
  });
}

Outcome<bool> Store::erase_secret(std::string_view owner, std::string_view name) {
  return write_and_tidy([&](Sql& sql) {
    return sql.run("DELETE FROM secrets WHERE owner = $1 AND name = $2",
                   {checked_name(owner, "the owner"), checked_name(name, "the secret's name")})
               .changed > 0;
  });
}

}  // namespace smtpdx::store
