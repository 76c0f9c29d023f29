// SPDX-License-Identifier: Apache-2.0
#include "gateway/sqlite.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "hoop-sqlite-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("a database keeps integers, text, bytes and nulls as they were bound") {
  Database database = Database::open_in_memory().value();
  REQUIRE(database.script("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d TEXT)"));
  const Bytes bytes{0, 1, 255};
  REQUIRE(database.run("INSERT INTO t VALUES (?, ?, ?, ?)", {-7, "it's; DROP", bytes, nullptr}));
  CHECK(database.changes() == 1);
  auto row = database.find("SELECT a, b, c, d FROM t WHERE b = ?", {"it's; DROP"}).value();
  REQUIRE(row);
  CHECK(row->integer(0) == -7);
  CHECK(row->text(1) == "it's; DROP");
  CHECK(row->blob(2) == bytes);
  CHECK(row->is_null(3));
  CHECK_FALSE(row->optional_text(3));
  CHECK_FALSE(row->step().value());
  CHECK_FALSE(database.find("SELECT a FROM t WHERE a = ?", {8}).value());
}

TEST_CASE("an empty text and an empty blob are not null") {
  Database database = Database::open_in_memory().value();
  REQUIRE(database.script("CREATE TABLE t (a TEXT NOT NULL, b BLOB NOT NULL)"));
  REQUIRE(database.run("INSERT INTO t VALUES (?, ?)", {std::string_view(), ByteSpan()}));
}

TEST_CASE("database errors are storage and say what broke, without the value") {
  Database database = Database::open_in_memory().value();
  REQUIRE(database.script("CREATE TABLE t (a TEXT PRIMARY KEY)"));
  REQUIRE(database.run("INSERT INTO t VALUES (?)", {"sesame"}));
  const auto twice = database.run("INSERT INTO t VALUES (?)", {"sesame"});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == ErrorCode::storage);
  CHECK(twice.error().message.find("t.a") != std::string::npos);
  CHECK(twice.error().message.find("sesame") == std::string::npos);
  CHECK_FALSE(database.prepare("SELEC"));
  CHECK_FALSE(database.prepare("SELECT 1; SELECT 2"));
  CHECK_FALSE(database.run("INSERT INTO t VALUES (?)"));
}

TEST_CASE("a transaction that is not committed leaves nothing") {
  Database database = Database::open_in_memory().value();
  REQUIRE(database.script("CREATE TABLE t (a)"));
  {
    Transaction transaction = Transaction::begin(database).value();
    REQUIRE(database.run("INSERT INTO t VALUES (1)"));
  }
  CHECK(database.find("SELECT count(*) FROM t").value()->integer(0) == 0);
  Transaction transaction = Transaction::begin(database).value();
  REQUIRE(database.run("INSERT INTO t VALUES (1)"));
  REQUIRE(transaction.commit());
  CHECK(database.find("SELECT count(*) FROM t").value()->integer(0) == 1);
}

TEST_CASE("a database file is private to its owner and never a symbolic link") {
  const TempDir dir;
  const auto file = dir.path / "gateway.db";
  {
    Database database = Database::open(file).value();
    REQUIRE(database.script("CREATE TABLE t (a); INSERT INTO t VALUES (5)"));
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat status{};
      REQUIRE(::stat((file.string() + suffix).c_str(), &status) == 0);
      CHECK((status.st_mode & 0777) == 0600);
    }
    CHECK(database.find("PRAGMA journal_mode").value()->text(0) == "wal");
  }
  Database again = Database::open(file).value();
  CHECK(again.find("SELECT a FROM t").value()->integer(0) == 5);
  std::filesystem::create_symlink(file, dir.path / "link.db");
  CHECK_FALSE(Database::open(dir.path / "link.db"));
}

TEST_CASE("a database is not lost to another process that opens and closes it") {
  TempDir dir;
  const auto file = dir.path / "one.db";
  Database first = Database::open(file).value();
  REQUIRE(first.script("CREATE TABLE t (a INTEGER)"));
  const Database second = Database::open(file).value();
  const auto other = [&](const char* sql) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto database = Database::open(file);
      const bool done = database && database->script(sql);
      database = fail(ErrorCode::cancelled, "closed");
      ::_exit(done ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return status == 0;
  };
  CHECK(other("INSERT INTO t VALUES (1)"));
  CHECK(std::filesystem::exists(file.string() + "-wal"));
  REQUIRE(first.script("INSERT INTO t VALUES (2)"));
  // Fails where it cannot see what the first connection has written.
  CHECK(
      other("CREATE TEMP TABLE seen (n INTEGER CHECK (n = 2)); INSERT INTO seen SELECT count(*) "
            "FROM t"));
}
