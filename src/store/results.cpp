// SPDX-License-Identifier: Apache-2.0

// Results and idempotency keys.

#include "store/attempt.hpp"

namespace smtpdx::store {
namespace {

ResultSummary summary_of(const Row& row) {
  return {.id = text_at(row, 1),
          .kind = text_at(row, 2),
          .title = text_at(row, 3),
          .status = text_at(row, 4),
          .created = time_at(row, 5),
          .finished = optional_time_at(row, 6)};
}

Idempotent idempotent_of(const Row& row) {
  return {.owner = text_at(row, 0),
          .key = text_at(row, 1),
          .request_hash = octets_at(row, 2),
          .result_id = text_at(row, 3),
          .expires = time_at(row, 4)};
}

constexpr std::string_view find_idempotent =
    "SELECT owner, request_key, request_hash, result_id, expires FROM idempotency "
    "WHERE owner = $1 AND request_key = $2 AND expires > $3";

}  // namespace

Outcome<> Store::put(const StoredResult& result) {
  return write([&](Sql& sql) {
    sql.run(
        "INSERT INTO results(owner, id, kind, title, status, created, finished, request_json, input, result_json) "
        "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        "ON CONFLICT(owner, id) DO UPDATE SET kind = excluded.kind, title = excluded.title, status = excluded.status, "
        "created = excluded.created, finished = excluded.finished, request_json = excluded.request_json, "
        "input = excluded.input, result_json = excluded.result_json",
        {checked_name(result.owner, "the owner"), checked_name(result.id, "the id"),
         checked_name(result.kind, "the kind"), checked_text(result.title, "the title"),
         checked_name(result.status, "the status"), to_micros(result.created), optional_time(result.finished),
         checked_text(result.request_json, "the request"), Blob{result.input},
         checked_text(result.result_json, "the result")});
  });
}

Outcome<std::optional<StoredResult>> Store::get(std::string_view id, std::string_view owner) {
  return look_up([&](Sql& sql) -> std::optional<StoredResult> {
    const auto found = sql.run(
        "SELECT id, owner, kind, title, status, created, finished, request_json, input, result_json FROM results "
        "WHERE owner = $1 AND id = $2",
        {checked_name(owner, "the owner"), checked_name(id, "the id")});
    if (found.rows.empty()) return std::nullopt;
    const auto& row = found.rows[0];
    return StoredResult{.id = text_at(row, 0),
                        .owner = text_at(row, 1),
                        .kind = text_at(row, 2),
                        .title = text_at(row, 3),
                        .status = text_at(row, 4),
                        .created = time_at(row, 5),
                        .finished = optional_time_at(row, 6),
                        .request_json = text_at(row, 7),
                        .input = octets_at(row, 8),
                        .result_json = text_at(row, 9)};
  });
}

Outcome<Page<ResultSummary>> Store::list(const ResultQuery& query) {
  return attempt([&](Sql& sql) {
    const auto limit = page_size(query.limit);
    // One more than wanted tells whether there is a next page.
    std::vector<Value> values = {checked_name(query.owner, "the owner"), seq_before(query.cursor),
                                 static_cast<std::int64_t>(limit + 1)};
    if (query.kind) values.emplace_back(checked_name(*query.kind, "the kind"));
    auto found = sql.run(query.kind ? "SELECT seq, id, kind, title, status, created, finished FROM results "
                                      "WHERE owner = $1 AND seq < $2 AND kind = $4 ORDER BY seq DESC LIMIT $3"
                                    : "SELECT seq, id, kind, title, status, created, finished FROM results "
                                      "WHERE owner = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
                         values);
    Page<ResultSummary> page;
    if (found.rows.size() > limit) {
      found.rows.resize(limit);
      page.next = std::to_string(number_at(found.rows.back(), 0));
    }
    for (const auto& row : found.rows) page.items.push_back(summary_of(row));
    return page;
  });
}

Outcome<bool> Store::erase(std::string_view id, std::string_view owner) {
  return write_and_tidy([&](Sql& sql) {
    return sql.run("DELETE FROM results WHERE owner = $1 AND id = $2",
                   {checked_name(owner, "the owner"), checked_name(id, "the id")})
               .changed > 0;
  });
}

Outcome<Remembered> Store::remember(const Idempotent& entry, WallTime now) {
  return write([&](Sql& sql) {
    const auto owner = checked_name(entry.owner, "the owner");
    const auto key = checked_name(entry.key, "the idempotency key");
    sql.run("DELETE FROM idempotency WHERE owner = $1 AND request_key = $2 AND expires <= $3",
            {owner, key, to_micros(now)});
    sql.run(
        "INSERT INTO idempotency(owner, request_key, request_hash, result_id, expires) VALUES($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        {owner, key, checked_hash(entry.request_hash, "the request's hash"), checked_name(entry.result_id, "the id"),
         to_micros(entry.expires)});
    const auto found = sql.run(find_idempotent, {owner, key, to_micros(now)});
    if (found.rows.empty()) return Remembered{true, entry};  // it ends at once: nothing to find again
    auto there = idempotent_of(found.rows[0]);
    // The same result's id means that it was ours: a second attempt after a lost connection.
    return Remembered{there.result_id == entry.result_id, std::move(there)};
  });
}

Outcome<std::optional<Idempotent>> Store::recall(std::string_view owner, std::string_view key, WallTime now) {
  return look_up([&](Sql& sql) -> std::optional<Idempotent> {
    const auto found = sql.run(
        find_idempotent, {checked_name(owner, "the owner"), checked_name(key, "the idempotency key"), to_micros(now)});
    if (found.rows.empty()) return std::nullopt;
    return idempotent_of(found.rows[0]);
  });
}

}  // namespace smtpdx::store
