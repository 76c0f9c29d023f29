// SPDX-License-Identifier: Apache-2.0
#include "gateway/sqlite_store.h"

#include "gateway/sqlite.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

SystemTime at(int seconds) { return SystemTime(std::chrono::seconds(1'800'000'000 + seconds)); }

SessionRecord session_record(const std::string& session, const std::string& subject = "alice",
                             int started = 0) {
  SessionRecord out;
  out.session = session;
  out.target = "pg";
  out.protocol = "postgres";
  out.subject = subject;
  out.role = "developers";
  out.database_role = "app";
  out.reason = "ticket 5";
  out.claimed_agent = "claude-code";
  out.path = access::DataPath::gateway;
  out.client_key = "key";
  out.seal_key = "another key";
  out.credential = "hoop_" + session;
  out.started_at = at(started);
  out.expires_at = at(started + 60);
  return out;
}

}  // namespace

TEST_CASE("store: a session comes back as it was put in, from the file too") {
  test::TempDir dir;
  const SessionRecord first = session_record("s_1");
  {
    auto store = SqliteStore::open(dir / "gateway.db");
    REQUIRE(store);
    REQUIRE((*store)->add(first));
    CHECK_FALSE((*store)->add(first));
  }
  auto store = SqliteStore::open(dir / "gateway.db");
  REQUIRE(store);
  CHECK((*store)->find("s_1")->value() == first);
  CHECK_FALSE((*store)->find("s_2")->has_value());
}

TEST_CASE("store: a file of the first version keeps its sessions, one of a newer is left alone") {
  test::TempDir dir;
  {
    auto old = Database::open(dir / "gateway.db");
    REQUIRE(old);
    // The first version's table, word by word.
    REQUIRE(old->script(R"sql(
CREATE TABLE session (
  session TEXT PRIMARY KEY, target TEXT NOT NULL, protocol TEXT NOT NULL, subject TEXT NOT NULL, role TEXT NOT NULL,
  database_role TEXT NOT NULL, reason TEXT NOT NULL, claimed_agent TEXT NOT NULL, client_key TEXT NOT NULL,
  credential TEXT NOT NULL, state INTEGER NOT NULL, started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  revoked_at INTEGER, length INTEGER, digest TEXT, sealed INTEGER, receipt TEXT, actions INTEGER, denied INTEGER,
  masked_values INTEGER, rows INTEGER, ended_at INTEGER
) STRICT;
INSERT INTO session VALUES ('s_old', 'pg', 'postgres', 'alice', 'dev', 'app', '', '', 'the key',
  'hoop_old', 1, 5, 6, NULL, 10, 'aa', 1, 'receipt', 1, 2, 3, 4, 7);)sql"));
  }
  for (int time = 0; time < 2; ++time) {
    auto store = SqliteStore::open(dir / "gateway.db");
    REQUIRE(store);
    const auto kept = (*store)->find("s_old")->value();
    CHECK(kept.path == access::DataPath::local);
    CHECK(kept.seal_key == "the key");
    CHECK(kept.log->receipt == "receipt");
    CHECK(kept.log->ended_at == SystemTime(std::chrono::milliseconds(7)));
  }
  REQUIRE(Database::open(dir / "gateway.db")->script("PRAGMA user_version = 1000"));
  CHECK(SqliteStore::open(dir / "gateway.db").error().code == ErrorCode::storage);
}

TEST_CASE("store: a credential goes from planned to active to revoked, and never back") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  REQUIRE(store->add(session_record("s_1")));
  CHECK(store->unrevoked()->size() == 1);
  REQUIRE(store->set_active("s_1"));
  CHECK(store->find("s_1")->value().state == CredentialState::active);
  REQUIRE(store->set_expiry("s_1", at(10)));
  REQUIRE(store->set_expiry("s_1", at(50)));
  CHECK(store->find("s_1")->value().expires_at == at(10));
  // Only from the time that it really ends: somebody may have ended it.
  CHECK_FALSE(store->extend("s_1", at(50), at(70)).value());
  CHECK(store->extend("s_1", at(10), at(70)).value());
  CHECK(store->find("s_1")->value().expires_at == at(70));
  REQUIRE(store->set_revoked("s_1", at(5)));
  CHECK_FALSE(store->extend("s_1", at(70), at(90)).value());
  REQUIRE(store->set_revoked("s_1", at(9)));
  REQUIRE(store->set_active("s_1"));
  CHECK(store->find("s_1")->value().state == CredentialState::revoked);
  CHECK(store->find("s_1")->value().revoked_at == at(5));
  CHECK(store->unrevoked()->empty());
}

TEST_CASE("store: what never became active was no session") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  REQUIRE(store->add(session_record("s_1")));
  CHECK(store->list({})->empty());
  REQUIRE(store->set_revoked("s_1", at(5)));
  CHECK(store->unrevoked()->empty());
  CHECK(store->list({})->empty());
  CHECK_FALSE(store->find("s_1")->has_value());
}

TEST_CASE("store: a log is finished once") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  REQUIRE(store->add(session_record("s_1")));
  const FinishedLog log{100, "aa", true, "receipt", 5, 1, 2, 3, at(7)};
  CHECK(store->set_finished("s_1", log));
  CHECK(store->set_finished("s_1", log));
  FinishedLog other = log;
  other.digest = "bb";
  CHECK(store->set_finished("s_1", other).error().code == ErrorCode::integrity);
  CHECK(store->find("s_1")->value().log == log);
  CHECK(store->set_finished("s_9", log).error().code == ErrorCode::storage);
}

TEST_CASE("store: lists are latest first, of one subject or of all, and bounded") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  REQUIRE(store->add(session_record("s_1", "alice", 1)));
  REQUIRE(store->add(session_record("s_3", "alice", 3)));
  REQUIRE(store->add(session_record("s_2", "bob", 2)));
  for (const char* session : {"s_1", "s_2", "s_3"}) REQUIRE(store->set_active(session));
  const auto names = [](const std::vector<SessionRecord>& records) {
    std::string out;
    for (const auto& one : records) out += one.session + " ";
    return out;
  };
  CHECK(names(*store->list({})) == "s_3 s_2 s_1 ");
  CHECK(names(*store->list({.subject = "alice"})) == "s_3 s_1 ");
  CHECK(names(*store->list({.limit = 1})) == "s_3 ");
  CHECK(names(*store->list({.subject = "alice' OR '1'='1"})).empty());
}

TEST_CASE("store: lists by target, time, refusals and life, page by page") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  for (int i = 1; i <= 6; ++i) {
    // Two began at the same moment.
    auto record =
        session_record("s_" + std::to_string(i), i % 2 == 0 ? "alice" : "bob", i == 4 ? 3 : i);
    if (i > 4) record.target = "pg-other";
    REQUIRE(store->add(record));
    REQUIRE(store->set_active(record.session));
  }
  FinishedLog log;
  log.digest = "aa";
  REQUIRE(store->set_finished("s_3", log));
  log.denied = 2;
  REQUIRE(store->set_finished("s_2", log));
  REQUIRE(store->set_revoked("s_3", at(5)));
  const auto names = [&](const SessionQuery& query) {
    const auto found = store->list(query);
    if (!found) return std::string(to_string(found.error().code));
    std::string out;
    for (const auto& one : *found) out += one.session.substr(2);
    return out;
  };
  CHECK(names({}) == "653421");
  CHECK(names({.target = "pg-other"}) == "65");
  CHECK(names({.subject = "alice", .target = "pg"}) == "42");
  CHECK(names({.since = at(3)}) == "6534");
  CHECK(names({.until = at(3)}) == "21");
  CHECK(names({.since = at(2), .until = at(5)}) == "342");
  CHECK(names({.denied = true}) == "2");
  CHECK(names({.live_at = at(30)}) == "65421");
  CHECK(names({.live_at = at(64)}) == "65");
  // Every page once, none twice, also where a page ends between two of one moment.
  for (std::size_t limit = 1; limit <= 6; ++limit) {
    std::string all;
    SessionQuery query{.limit = limit};
    for (;;) {
      const std::string page = names(query);
      if (page.empty()) break;
      CHECK(page.size() <= limit);
      all += page;
      query.before = "s_" + page.substr(page.size() - 1);
    }
    CHECK(all == "653421");
  }
  CHECK(names({.subject = "alice", .before = "s_4"}) == "2");
  // Neither what is not there nor another's session is a place to begin at.
  CHECK(names({.before = "s_9"}) == to_string(ErrorCode::not_found));
  CHECK(names({.subject = "alice", .before = "s_3"}) == to_string(ErrorCode::not_found));
}

TEST_CASE("store: who has how many live sessions") {
  test::TempDir dir;
  auto store = std::move(*SqliteStore::open(dir / "gateway.db"));
  CHECK(store->count_live("alice", at(0)).value() == 0);
  for (const char* session : {"s_1", "s_2", "s_3"}) REQUIRE(store->add(session_record(session)));
  REQUIRE(store->add(session_record("s_4", "bob")));
  CHECK(store->count_live("alice", at(0)).value() == 0);
  for (const char* session : {"s_1", "s_2", "s_3", "s_4"}) REQUIRE(store->set_active(session));
  CHECK(store->count_live("alice", at(0)).value() == 3);
  REQUIRE(store->set_revoked("s_2", at(1)));
  CHECK(store->count_live("alice", at(1)).value() == 2);
  REQUIRE(store->set_expiry("s_3", at(2)));
  CHECK(store->count_live("alice", at(2)).value() == 1);
  CHECK(store->count_live("bob", at(2)).value() == 1);
}

TEST_CASE("store: the check writes, and says when that is not possible") {
  test::TempDir dir;
  auto store = SqliteStore::open(dir / "gateway.db");
  REQUIRE(store);
  CHECK((*store)->check());
  CHECK((*store)->check());
  auto other = Database::open(dir / "gateway.db");
  REQUIRE(other);
  CHECK((*other->find("SELECT count FROM store_check"))->integer(0) == 2);
  REQUIRE(other->script("DROP TABLE store_check"));
  CHECK((*store)->check().error().code == ErrorCode::storage);
}
