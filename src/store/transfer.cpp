// SPDX-License-Identifier: Apache-2.0

// A list of the tables and their columns drives all of it: export, import, copy and the check that everything is there.
// A new column of a migration needs its line here; transfer_test.cpp compares the list with the database's own.
//
// The form: {"store":"smtpdx","version":1} first, then {"table":NAME, COLUMN: VALUE …} a row, in the order in which
// rows came to be, then {"end":COUNT}, without which a stream counts as cut off. Octets are base64. The database's own
// counts (seq) stay at home: they are given out anew, in the same order.

#include "store/transfer.hpp"

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "store/attempt.hpp"
#include "store/files.hpp"
#include "store/migrations.hpp"

namespace smtpdx::store {
namespace {

using nlohmann::json;

enum class Kind { integer, text, blob };
enum class Leaves { always, if_asked, never };  ///< in an export; a copy has everything

struct Column {
  const char* name;
  Kind kind;
};

struct Table {
  const char* name;
  Leaves leaves;
  const char* order;  ///< unique; read in steps after it where it counts
  std::vector<Column> columns;
};

constexpr auto integer = Kind::integer;
constexpr auto text = Kind::text;
constexpr auto blob = Kind::blob;

const std::vector<Table>& tables() {
  static const std::vector<Table> all = {
      {"users",
       Leaves::always,
       "name",
       {{"name", text}, {"password_hash", text}, {"role", text}, {"created", integer}}},
      {"tokens",
       Leaves::always,
       "seq",
       {{"id", text},
        {"owner", text},
        {"name", text},
        {"hash", blob},
        {"scopes", text},
        {"created", integer},
        {"expires", integer},
        {"revoked", integer}}},
      {"results",
       Leaves::always,
       "seq",
       {{"owner", text},
        {"id", text},
        {"kind", text},
        {"title", text},
        {"status", text},
        {"created", integer},
        {"finished", integer},
        {"request_json", text},
        {"input", blob},
        {"result_json", text}}},
      {"idempotency",
       Leaves::always,
       "owner, request_key",
       {{"owner", text}, {"request_key", text}, {"request_hash", blob}, {"result_id", text}, {"expires", integer}}},
      {"audit",
       Leaves::always,
       "seq",
       {{"uid", text}, {"at", integer}, {"who", text}, {"what", text}, {"target", text}, {"outcome", text}}},
      {"secrets", Leaves::if_asked, "owner, name", {{"owner", text}, {"name", text}, {"sealed", blob}}},
      {"sessions",
       Leaves::never,
       "token_hash",
       {{"token_hash", blob}, {"user_name", text}, {"created", integer}, {"expires", integer}}},
      {"state", Leaves::never, "name", {{"name", text}, {"value", integer}}},
  };
  return all;
}

std::string column_list(const Table& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns) names.emplace_back(column.name);
  return join(names, ", ");
}

/// Calls visit(row) with the table's columns. Counted tables are read in steps: their rows can be large.
template <class Visit>
void each_row(Sql& sql, const Table& table, Visit visit) {
  const bool counted = std::string_view(table.order) == "seq";
  const auto columns = column_list(table);
  if (!counted) {
    for (const auto& row : sql.run("SELECT " + columns + " FROM " + table.name + " ORDER BY " + table.order).rows) {
      visit(row);
    }
    return;
  }
  constexpr std::int64_t step = 8;
  const auto select = "SELECT " + columns + ", seq FROM " + table.name + " WHERE seq > $1 ORDER BY seq LIMIT $2";
  for (std::int64_t last = 0;;) {
    auto found = sql.run(select, {last, step});
    for (auto& row : found.rows) {
      last = number_at(row, table.columns.size());
      row.pop_back();
      visit(row);
    }
    if (found.rows.size() < static_cast<std::size_t>(step)) return;
  }
}

std::string insert_into(const Table& table) {
  std::vector<std::string> places;
  for (std::size_t i = 1; i <= table.columns.size(); ++i) places.push_back("$" + std::to_string(i));
  return "INSERT INTO " + std::string(table.name) + "(" + column_list(table) + ") VALUES(" + join(places, ", ") +
         ") ON CONFLICT DO NOTHING";
}

json to_json(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* words = std::get_if<std::string>(&value)) return *words;
  if (const auto* octets = std::get_if<Blob>(&value)) return base64_encode(octets->octets);
  return nullptr;
}

[[noreturn]] void not_an_export(std::uint64_t line, const std::string& why) {
  throw Failure(Trouble::foreign, "line " + std::to_string(line) + " is none of a store's export: " + why,
                "nothing was taken in; export again");
}

Value from_json(const json& object, const Column& column, std::uint64_t line) {
  const auto found = object.find(column.name);
  if (found == object.end() || found->is_null()) return {};
  const auto wrong = [&] { not_an_export(line, std::string("\"") + column.name + "\" is of another type"); };
  if (column.kind == Kind::integer) {
    if (!found->is_number_integer()) wrong();
    return found->get<std::int64_t>();
  }
  if (!found->is_string()) wrong();
  const auto& words = found->get_ref<const std::string&>();
  if (column.kind == Kind::text) return checked_text(words, column.name);
  auto octets = base64_decode(words);
  if (!octets) wrong();
  return Blob{std::move(*octets)};
}

const Table* table_named(std::string_view name) {
  for (const auto& table : tables()) {
    if (table.name == name && table.leaves != Leaves::never) return &table;
  }
  return nullptr;
}

void check_header(const json& object) {
  const auto name = object.find("store");
  if (name == object.end() || *name != "smtpdx") not_an_export(1, "it does not begin as one");
  const auto version = object.find("version");
  if (version == object.end() || !version->is_number_integer()) not_an_export(1, "it names no version");
  if (version->get<std::int64_t>() > migrations().back().version) {
    throw Failure(Trouble::newer_schema, "the export was written by a newer smtpdx", "import it with the newer smtpdx");
  }
}

json parse_line(const std::string& text, std::uint64_t line) {
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) not_an_export(line, "it is no JSON object");
  return object;
}

/// One row; what the database refuses of it (a missing value) is the line's fault.
bool take_in(Sql& sql, const json& object, std::uint64_t line) {
  const auto name = object.find("table");
  const auto* table =
      name != object.end() && name->is_string() ? table_named(name->get_ref<const std::string&>()) : nullptr;
  if (!table) not_an_export(line, "it names no table");
  std::vector<Value> values;
  for (const auto& column : table->columns) values.push_back(from_json(object, column, line));
  try {
    return sql.run(insert_into(*table), values).changed > 0;
  } catch (const Failure& failure) {
    if (is_surroundings(failure.error().trouble) && failure.error().trouble != Trouble::failed) throw;
    not_an_export(line, failure.error().message);
  }
}

}  // namespace

void write_lines(Sql& sql, std::ostream& out, WithSecrets secrets) {
  const auto line = [&](const json& object) {
    if (!(out << object.dump(-1, ' ', false, json::error_handler_t::replace) << '\n')) {
      throw Failure(Trouble::failed, "the export could not be written", "see that there is space where it goes");
    }
  };
  line({{"store", "smtpdx"}, {"version", migrations().back().version}});
  std::uint64_t rows = 0;
  for (const auto& table : tables()) {
    if (table.leaves == Leaves::never || (table.leaves == Leaves::if_asked && secrets == WithSecrets::no)) continue;
    each_row(sql, table, [&](const Row& row) {
      json object = {{"table", table.name}};
      for (std::size_t i = 0; i < table.columns.size(); ++i) object[table.columns[i].name] = to_json(row.at(i));
      line(object);
      ++rows;
    });
  }
  line({{"end", rows}});
  out.flush();
}

Imported read_lines(Sql& sql, std::istream& in) {
  Imported imported;
  std::string text;
  std::uint64_t line = 0;
  while (std::getline(in, text)) {
    const auto object = parse_line(text, ++line);
    if (line == 1) {
      check_header(object);
    } else if (const auto end = object.find("end"); end != object.end()) {
      if (*end != imported.added + imported.kept) not_an_export(line, "rows are missing");
      return imported;
    } else {
      ++(take_in(sql, object, line) ? imported.added : imported.kept);
    }
  }
  throw Failure(Trouble::foreign, "the export is cut off after line " + std::to_string(line),
                "nothing was taken in; export again");
}

void copy_rows(Sql& from, Sql& to) {
  for (const auto& table : tables()) {
    const auto insert = insert_into(table);
    each_row(from, table, [&](const Row& row) { to.run(insert, row); });
  }
}

void verify_tables(Sql& sql) {
  for (const auto& table : tables()) {
    try {
      each_row(sql, table, [](const Row&) {});
    } catch (const Failure& failure) {
      if (failure.error().trouble != Trouble::failed) throw;
      throw Failure(Trouble::corrupt, std::string("the table ") + table.name + " cannot be read: " + failure.what(),
                    "restore a backup");
    }
  }
}

Outcome<> Store::export_to(std::ostream& out, WithSecrets secrets) {
  return attempt([&](Sql& sql) {
    Transaction moment(sql, Access::read);
    const auto begin = out.tellp();
    try {
      write_lines(sql, out, secrets);
    } catch (const Failure& failure) {
      // It is not begun again in the middle of a stream.
      if (failure.error().trouble != Trouble::gone || out.tellp() == begin) throw;
      throw Failure(Trouble::failed, "the export was cut off: " + failure.error().message, "export again");
    }
  });
}

Outcome<Imported> Store::import_from(std::istream& in) {
  return write([&](Sql& sql) {
    try {
      return read_lines(sql, in);
    } catch (const Failure& failure) {
      if (failure.error().trouble != Trouble::gone) throw;
      throw Failure(Trouble::failed, "the import was cut off: " + failure.error().message, "import again");
    }
  });
}

Outcome<> Store::backup_to(const std::string& path) {
  return attempt([&](Sql& from) {
    const std::string unnamed = path + "." + make_id("");
    try {
      {
        const auto to = make_sqlite(unnamed, 5s);
        to->ready();
        Transaction moment(from, Access::read);
        Transaction all(*to, Access::write);
        copy_rows(from, *to);
        all.commit();
      }  // closing it brings all of it into the one file
      if (!name_new_file(unnamed, path)) {
        throw Failure(Trouble::taken, path + " is there already", "name a file that does not exist");
      }
    } catch (const Failure&) {
      remove_file(unnamed);
      remove_file(unnamed + "-wal");
      remove_file(unnamed + "-shm");
      throw;
    }
  });
}

}  // namespace smtpdx::store
