// SPDX-License-Identifier: Apache-2.0
#pragma once

// The seam between the Store and a database: statements with values in, rows out. Everything above it is written once;
// what differs between the two is here and in the DDL's placeholders (store/migrations.hpp).
//
// Inside src/store trouble travels as an exception, `Failure`: a Store's call is a row of statements, and all of them
// end in the same way. Store turns it into an Outcome; no exception leaves the floor.

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/error.hpp"
#include "store/store.hpp"

namespace smtpdx::store {

struct Blob {
  std::string octets;
  bool operator==(const Blob&) const = default;
};
using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;
using Row = std::vector<Value>;

struct Answer {
  std::vector<Row> rows;
  std::uint64_t changed = 0;  ///< rows inserted, updated or deleted
};

class Failure final : public std::exception {
 public:
  explicit Failure(StoreError error) : error_(std::move(error)) {}
  Failure(Trouble kind, std::string message, std::string hint = {})
      : error_{kind, std::move(message), std::move(hint)} {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const StoreError& error() const { return error_; }

 private:
  StoreError error_;
};

enum class Dialect { sqlite, postgres };
enum class Access { read, write };  ///< read: one consistent moment

/// One connection. Every member but rollback() throws Failure; `gone` means that the connection was lost and is closed.
class Sql {
 public:
  virtual ~Sql() = default;
  virtual Dialect dialect() const = 0;
  /// Opens or opens again where needed, and brings the schema up to date then. True where it was open already.
  virtual bool ready() = 0;
  /// `text` is one statement with `$1`, `$2` … for the values.
  virtual Answer run(std::string_view text, std::span<const Value> values) = 0;
  virtual void begin(Access access) = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  /// What the database itself finds wrong, a line each; empty: nothing.
  virtual std::vector<std::string> check() = 0;
  /// After much was erased: gives the space back and leaves no copy of it lying about.
  virtual void tidy() = 0;
  virtual std::string where() const = 0;

  Answer run(std::string_view text, std::initializer_list<Value> values = {}) {
    return run(text, std::span<const Value>(values.begin(), values.size()));
  }
};

/// A transaction that is rolled back unless committed.
class Transaction {
 public:
  Transaction(Sql& sql, Access access) : sql_(sql) { sql_.begin(access); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!done_) sql_.rollback();
  }
  void commit() {
    sql_.commit();
    done_ = true;
  }

 private:
  Sql& sql_;
  bool done_ = false;
};

std::unique_ptr<Sql> make_sqlite(std::string path, Duration patience);
std::unique_ptr<Sql> make_postgres(std::string url, Duration patience);

}  // namespace smtpdx::store
