// SPDX-License-Identifier: Apache-2.0
#include "gateway/revocation_store.h"

#include "gateway/idp/user_store.h"

namespace hoop::gateway {
namespace {}  // namespace

Result<RevocationStore> RevocationStore::open(Database& database) {
  HOOP_CHECK(database.script(R"sql(
    CREATE TABLE IF NOT EXISTS revocation (
      subject TEXT PRIMARY KEY,
      revoked_at INTEGER NOT NULL,
      revoked_by TEXT NOT NULL,
      words TEXT NOT NULL
    ) STRICT;
  )sql"));
  return RevocationStore(database);
}

Result<void> RevocationStore::add(const Revocation& revocation) {
  HOOP_TRY(auto users, idp::UserStore::open(*database_));
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  HOOP_CHECK(database_->run(
      "INSERT INTO revocation (subject, revoked_at, revoked_by, words) VALUES (?1, ?2, ?3, ?4) ON "
      "CONFLICT (subject) DO UPDATE SET revoked_at = max(revoked_at, excluded.revoked_at), "
      "revoked_by = excluded.revoked_by, words = excluded.words",
      {revocation.subject, to_column(revocation.at), revocation.by, revocation.words}));
  HOOP_CHECK(users.end_logins(revocation.subject));
  return transaction.commit();
}

Result<std::vector<Revocation>> RevocationStore::list() {
  HOOP_TRY(Statement rows,
           database_->prepare(
               "SELECT subject, revoked_at, revoked_by, words FROM revocation ORDER BY subject"));
  std::vector<Revocation> out;
  for (;;) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back({rows.text(0), from_column(rows.integer(1)), rows.text(2), rows.text(3)});
  }
}

Result<std::int64_t> RevocationStore::version() { return database_->data_version(); }

}  // namespace hoop::gateway
