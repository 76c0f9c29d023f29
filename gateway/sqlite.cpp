// SPDX-License-Identifier: Apache-2.0
#include "gateway/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hoop::gateway {
namespace {

// sqlite3_errmsg names tables and columns, never a bound value.
std::unexpected<Error> storage_error(sqlite3* connection, std::string_view what) {
  return fail(ErrorCode::storage, std::string(what) + ": " + sqlite3_errmsg(connection));
}

int bind_one(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *number);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    // A null pointer would bind NULL.
    return sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  if (const auto* bytes = std::get_if<ByteSpan>(&value)) {
    if (bytes->empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
  }
  return sqlite3_bind_null(statement, index);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<void> Statement::bind(std::initializer_list<SqlValue> values) {
  sqlite3_stmt* statement = statement_.get();
  sqlite3_reset(statement);
  if (static_cast<int>(values.size()) != sqlite3_bind_parameter_count(statement)) {
    return fail(ErrorCode::internal, "bind: the statement has another number of parameters");
  }
  int index = 0;
  for (const SqlValue& value : values) {
    if (bind_one(statement, ++index, value) != SQLITE_OK)
      return storage_error(sqlite3_db_handle(statement), "bind");
  }
  return {};
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return storage_error(sqlite3_db_handle(statement_.get()), "database");
  }
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  // Text first, length second: the conversion may change the length.
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return std::string(data,
                     static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Bytes Statement::blob(int column) const {
  const auto* data =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return Bytes(data, data + sqlite3_column_bytes(statement_.get(), column));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

Result<Database> Database::open_named(const char* name, int flags,
                                      std::chrono::milliseconds busy_timeout) {
  sqlite3* connection = nullptr;
  const int status = sqlite3_open_v2(
      name, &connection, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Database database(connection);
  if (status != SQLITE_OK) {
    return fail(ErrorCode::storage, std::string("open '") + name + "': " + sqlite3_errstr(status));
  }
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, static_cast<int>(busy_timeout.count()));
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  HOOP_CHECK(database.script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
      "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON"));
  return database;
}

Result<Database> Database::open(const std::filesystem::path& file,
                                std::chrono::milliseconds busy_timeout) {
  const auto failed = [&](const char* why) {
    return fail(ErrorCode::storage, "open '" + file.string() + "': " + why);
  };
  struct stat there{};
  if (::lstat(file.c_str(), &there) == 0) {
    // Not opened to find out: closing any descriptor of the file would drop the locks of this
    // process's other connections (fcntl(2)), and the next process to close its own would take
    // itself for the last one, and remove the log that they write to.
    if (!S_ISREG(there.st_mode)) return failed("it is not a regular file");
    return open_named(file.c_str(), 0, busy_timeout);
  }
  // Created here, because SQLite would make it readable as the umask says; -wal and -shm take this
  // file's mode.
  const int descriptor =
      ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno != EEXIST) return failed(std::strerror(errno));
  if (descriptor >= 0) ::close(descriptor);
  return open_named(file.c_str(), 0, busy_timeout);
}

Result<Database> Database::open_in_memory() {
  return open_named(":memory:", SQLITE_OPEN_MEMORY, std::chrono::milliseconds(0));
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int status = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                        0, &raw, &tail);
  Statement statement(raw);
  if (status != SQLITE_OK) return storage_error(connection_.get(), "prepare");
  if (raw == nullptr || tail != sql.data() + sql.size()) {
    return fail(ErrorCode::internal, "prepare: exactly one statement is wanted");
  }
  return statement;
}

Result<void> Database::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  HOOP_TRY(Statement statement, prepare(sql));
  HOOP_CHECK(statement.bind(values));
  while (true) {
    HOOP_TRY(const bool row, statement.step());
    if (!row) return {};
  }
}

Result<std::optional<Statement>> Database::find(std::string_view sql,
                                                std::initializer_list<SqlValue> values) {
  HOOP_TRY(Statement statement, prepare(sql));
  HOOP_CHECK(statement.bind(values));
  HOOP_TRY(const bool row, statement.step());
  if (!row) return std::optional<Statement>();
  return std::optional<Statement>(std::move(statement));
}

Result<void> Database::script(const std::string& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return storage_error(connection_.get(), "database");
  }
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(connection_.get()); }
Result<std::int64_t> Database::data_version() {
  HOOP_TRY(const auto row, find("PRAGMA data_version"));
  if (!row) return fail(ErrorCode::storage, "the database does not tell its version");
  return row->integer(0);
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(connection_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  HOOP_CHECK(database.script("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Nothing to tell: after a failed rollback the connection's next BEGIN fails and says so.
  if (database_ != nullptr) static_cast<void>(database_->script("ROLLBACK"));
}

Result<void> Transaction::commit() {
  HOOP_CHECK(database_->script("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace hoop::gateway
