// SPDX-License-Identifier: Apache-2.0
// SQLite in three small types: Database, Statement, Transaction. Every failure is Result storage.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hoop::gateway {

/// How a time stands in a table: milliseconds since 1970.
inline std::int64_t to_column(SystemTime time) { return time.time_since_epoch().count(); }
inline SystemTime from_column(std::int64_t value) {
  return SystemTime(std::chrono::milliseconds(value));
}

/// What one parameter holds. Text and bytes must live until the call that takes them returns: they
/// are copied by it.
using SqlValue = std::variant<std::nullptr_t, std::int64_t, std::string_view, ByteSpan>;

/// A prepared statement. Resource: must go before its Database. One thread at a time.
class Statement {
 public:
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  /// Starts anew with these values for ?1, ?2, …: as many as the statement has parameters, or it
  /// fails.
  Result<void> bind(std::initializer_list<SqlValue> values);
  /// True: a row is there to be read. False: the statement is done.
  Result<bool> step();

  // Columns of the row that step() found, from 0. What has another type reads as SQLite converts
  // it; NULL as 0 or empty.
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  Bytes blob(int column) const;
  bool is_null(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. Resource, used by one thread at a time.
class Database {
 public:
  /// Opens or creates the file, 0600, in WAL mode with full synchronisation; waits up to
  /// busy_timeout for another process's lock. Refuses a symbolic link.
  static Result<Database> open(const std::filesystem::path& file,
                               std::chrono::milliseconds busy_timeout = std::chrono::seconds(5));
  /// For tests: gone with the object.
  static Result<Database> open_in_memory();
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  Result<Statement> prepare(std::string_view sql);
  /// Prepares, binds, and steps with rows ignored.
  Result<void> run(std::string_view sql, std::initializer_list<SqlValue> values = {});
  /// Prepares, binds, and steps once: the first row, or nullopt.
  Result<std::optional<Statement>> find(std::string_view sql,
                                        std::initializer_list<SqlValue> values = {});
  /// Several statements without parameters: schemas.
  Result<void> script(const std::string& sql);
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  std::int64_t changes() const;
  std::int64_t last_insert_rowid() const;
  /// Changes when another connection has written to the file. Fails with storage.
  Result<std::int64_t> data_version();

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}
  static Result<Database> open_named(const char* name, int flags,
                                     std::chrono::milliseconds busy_timeout);
  std::unique_ptr<sqlite3, Close> connection_;
};

/// BEGIN IMMEDIATE until commit(); rolled back if it goes without. Not nested.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoop::gateway
