// SPDX-License-Identifier: Apache-2.0
#include "gateway/sqlite_store.h"

#include <array>

#include <fmt/format.h>

namespace hoop::gateway {
namespace {

// Not a fsync a commit: a power cut may take the last grants, whose roles the reaper then finds
// unknown in the marker group and drops; finished logs are another matter and wait for the disk
// (set_finished).
constexpr const char* kSchema = R"sql(
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS session (
  session TEXT PRIMARY KEY, target TEXT NOT NULL, protocol TEXT NOT NULL, subject TEXT NOT NULL, role TEXT NOT NULL,
  database_role TEXT NOT NULL, reason TEXT NOT NULL, claimed_agent TEXT NOT NULL, client_key TEXT NOT NULL,
  credential TEXT NOT NULL, state INTEGER NOT NULL, started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  revoked_at INTEGER, length INTEGER, digest TEXT, sealed INTEGER, receipt TEXT, actions INTEGER, denied INTEGER,
  masked_values INTEGER, rows INTEGER, ended_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS session_by_start ON session (started_at DESC);
CREATE INDEX IF NOT EXISTS session_by_subject ON session (subject, started_at DESC);
CREATE INDEX IF NOT EXISTS session_unrevoked ON session (state) WHERE state <> 2;
CREATE INDEX IF NOT EXISTS session_active_by_subject ON session (subject, expires_at) WHERE state = 1;
CREATE TABLE IF NOT EXISTS store_check (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
)sql";

// What has changed since the first version, one step a version. PRAGMA user_version counts the
// steps that a file has taken; other tables of the same file do without.
constexpr std::array kSteps{
    R"sql(
ALTER TABLE session ADD COLUMN path INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN seal_key TEXT NOT NULL DEFAULT '';
UPDATE session SET seal_key = client_key;
)sql"};

constexpr std::string_view kColumns =
    "session, target, protocol, subject, role, database_role, reason, claimed_agent, client_key, "
    "credential, state, started_at, "
    "expires_at, revoked_at, length, digest, sealed, receipt, actions, denied, masked_values, "
    "rows, ended_at, path, seal_key";

std::int64_t to_column(std::uint64_t value) { return static_cast<std::int64_t>(value); }

CredentialState to_state(std::int64_t value) {
  return value == 0   ? CredentialState::planned
         : value == 1 ? CredentialState::active
                      : CredentialState::revoked;
}
std::int64_t to_column(CredentialState state) {
  switch (state) {
    case CredentialState::planned: return 0;
    case CredentialState::active: return 1;
    case CredentialState::revoked: return 2;
  }
  return 0;
}

std::int64_t to_column(access::DataPath path) {
  switch (path) {
    case access::DataPath::local: return 0;
    case access::DataPath::gateway: return 1;
  }
  return 1;
}

/// Brings an older file up to date, a step and its number in one transaction. Fails with storage.
Result<void> migrate(Database& database) {
  HOOP_TRY(auto row, database.find("PRAGMA user_version"));
  const auto taken = static_cast<std::size_t>(row ? row->integer(0) : 0);
  row.reset();
  if (taken > kSteps.size())
    return fail(ErrorCode::storage, "the database was written by a newer hoopctl",
                "run that version, or a newer one");
  for (std::size_t step = taken; step < kSteps.size(); ++step) {
    HOOP_TRY(auto transaction, Transaction::begin(database));
    HOOP_CHECK(database.script(fmt::format("{} PRAGMA user_version = {}", kSteps[step], step + 1)));
    HOOP_CHECK(transaction.commit());
  }
  return {};
}

SessionRecord read_row(const Statement& row) {
  SessionRecord out;
  out.session = row.text(0);
  out.target = row.text(1);
  out.protocol = row.text(2);
  out.subject = row.text(3);
  out.role = row.text(4);
  out.database_role = row.text(5);
  out.reason = row.text(6);
  out.claimed_agent = row.text(7);
  out.client_key = row.text(8);
  out.credential = row.text(9);
  out.state = to_state(row.integer(10));
  out.started_at = from_column(row.integer(11));
  out.expires_at = from_column(row.integer(12));
  if (const auto at = row.optional_integer(13)) out.revoked_at = from_column(*at);
  if (!row.is_null(15)) {
    const auto number = [&](int column) { return static_cast<std::uint64_t>(row.integer(column)); };
    out.log = FinishedLog{number(14),   row.text(15), row.integer(16) != 0,
                          row.text(17), number(18),   number(19),
                          number(20),   number(21),   from_column(row.integer(22))};
  }
  out.path = row.integer(23) == 0 ? access::DataPath::local : access::DataPath::gateway;
  out.seal_key = row.text(24);
  return out;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file) {
  HOOP_TRY(auto database, Database::open(file));
  HOOP_CHECK(database.script(kSchema));
  HOOP_CHECK(migrate(database));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(database)));
}

Result<void> SqliteStore::add(const SessionRecord& record) {
  const std::lock_guard lock(mutex_);
  return database_.run(
      "INSERT INTO session (session, target, protocol, subject, role, database_role, reason, "
      "claimed_agent, client_key, credential, state, "
      "started_at, expires_at, path, seal_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
      "?11, ?12, ?13, ?14, ?15)",
      {record.session, record.target, record.protocol, record.subject, record.role,
       record.database_role, record.reason, record.claimed_agent, record.client_key,
       record.credential, to_column(record.state), to_column(record.started_at),
       to_column(record.expires_at), to_column(record.path), record.seal_key});
}

Result<void> SqliteStore::set_active(const std::string& session) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE session SET state = 1 WHERE session = ?1 AND state = 0", {session});
}

Result<void> SqliteStore::set_expiry(const std::string& session, SystemTime at) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE session SET expires_at = ?2 WHERE session = ?1 AND expires_at > ?2",
                       {session, to_column(at)});
}

Result<bool> SqliteStore::extend(const std::string& session, SystemTime from, SystemTime to) {
  const std::lock_guard lock(mutex_);
  HOOP_CHECK(database_.run(
      "UPDATE session SET expires_at = ?3 WHERE session = ?1 AND state = 1 AND expires_at = ?2",
      {session, to_column(from), to_column(to)}));
  return database_.changes() == 1;
}

Result<void> SqliteStore::set_revoked(const std::string& session, SystemTime at) {
  const std::lock_guard lock(mutex_);
  HOOP_CHECK(database_.run("DELETE FROM session WHERE session = ?1 AND state = 0", {session}));
  return database_.run(
      "UPDATE session SET state = 2, revoked_at = ?2 WHERE session = ?1 AND state <> 2",
      {session, to_column(at)});
}

Result<void> SqliteStore::set_finished(const std::string& session, const FinishedLog& log) {
  const std::lock_guard lock(mutex_);
  HOOP_CHECK(database_.script("PRAGMA synchronous = FULL"));
  auto done = database_.run(
      "UPDATE session SET length = ?2, digest = ?3, sealed = ?4, receipt = ?5, actions = ?6, "
      "denied = ?7, masked_values = ?8, rows = ?9, "
      "ended_at = ?10 WHERE session = ?1 AND digest IS NULL",
      {session, to_column(log.length), log.digest, std::int64_t{log.sealed}, log.receipt,
       to_column(log.actions), to_column(log.denied), to_column(log.masked_values),
       to_column(log.rows), to_column(log.ended_at)});
  const bool changed = done && database_.changes() == 1;
  HOOP_CHECK(database_.script("PRAGMA synchronous = NORMAL"));
  HOOP_CHECK(std::move(done));
  if (changed) return {};
  HOOP_TRY(const auto row,
           database_.find("SELECT digest FROM session WHERE session = ?1", {session}));
  if (!row) return fail(ErrorCode::storage, "no such session");
  if (row->text(0) != log.digest)
    return fail(ErrorCode::integrity, "the log was finished with another digest");
  return {};
}

Result<std::vector<SessionRecord>> SqliteStore::select(std::string_view tail,
                                                       std::initializer_list<SqlValue> values) {
  const std::lock_guard lock(mutex_);
  HOOP_TRY(auto statement,
           database_.prepare(fmt::format("SELECT {} FROM session {}", kColumns, tail)));
  HOOP_CHECK(statement.bind(values));
  std::vector<SessionRecord> out;
  for (;;) {
    HOOP_TRY(const bool found, statement.step());
    if (!found) return out;
    out.push_back(read_row(statement));
  }
}

Result<std::optional<SessionRecord>> SqliteStore::find(const std::string& session) {
  HOOP_TRY(auto rows, select("WHERE session = ?1", {session}));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

Result<std::vector<SessionRecord>> SqliteStore::list(const SessionQuery& query) {
  SystemTime from{};
  if (!query.before.empty()) {
    HOOP_TRY(const auto last, find(query.before));
    // Another person's is none.
    if (!last || (!query.subject.empty() && last->subject != query.subject))
      return fail(ErrorCode::not_found, "there is no session to list others before");
    from = last->started_at;
  }
  // Conditions that are not there cannot keep an index from being used. Every parameter is bound:
  // the last one stands in each statement.
  std::string tail = "WHERE state <> 0";
  if (!query.subject.empty()) tail += " AND subject = ?1";
  if (!query.target.empty()) tail += " AND target = ?2";
  if (query.since) tail += " AND started_at >= ?3";
  if (query.until) tail += " AND started_at < ?4";
  if (query.denied) tail += " AND denied > 0";
  if (query.live_at) tail += " AND state = 1 AND expires_at > ?5";
  if (!query.before.empty()) tail += " AND (started_at < ?6 OR (started_at = ?6 AND session > ?7))";
  tail += " ORDER BY started_at DESC, session LIMIT ?8";
  return select(tail, {query.subject, query.target, to_column(query.since.value_or(SystemTime{})),
                       to_column(query.until.value_or(SystemTime{})),
                       to_column(query.live_at.value_or(SystemTime{})), to_column(from),
                       query.before, static_cast<std::int64_t>(query.limit)});
}

Result<std::size_t> SqliteStore::count_live(const std::string& subject, SystemTime now) {
  const std::lock_guard lock(mutex_);
  HOOP_TRY(const auto row, database_.find("SELECT count(*) FROM session WHERE subject = ?1 AND "
                                          "state = 1 AND expires_at > ?2",
                                          {subject, to_column(now)}));
  if (!row) return fail(ErrorCode::storage, "sessions could not be counted");
  return static_cast<std::size_t>(row->integer(0));
}

Result<std::vector<SessionRecord>> SqliteStore::unrevoked() {
  return select("WHERE state <> 2 ORDER BY expires_at", {});
}

Result<void> SqliteStore::check() {
  const std::lock_guard lock(mutex_);
  HOOP_CHECK(database_.run(
      "INSERT INTO store_check VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET count = count + 1"));
  HOOP_TRY(const auto row, database_.find("SELECT count FROM store_check"));
  if (!row) return fail(ErrorCode::storage, "what was written to the database cannot be read");
  return {};
}

}  // namespace hoop::gateway
