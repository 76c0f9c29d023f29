// SPDX-License-Identifier: Apache-2.0
#include "gateway/audit.h"

namespace hoop::gateway {

Result<Audit> Audit::open(Database& database) {
  // The triggers keep our own code from it; who may write the file can do as they like.
  HOOP_CHECK(database.script(R"sql(
    CREATE TABLE IF NOT EXISTS audit (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      by TEXT NOT NULL,
      act TEXT NOT NULL,
      what TEXT NOT NULL,
      words TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER IF NOT EXISTS audit_kept BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'audit records are kept'); END;
    CREATE TRIGGER IF NOT EXISTS audit_unchanged BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'audit records are not changed'); END;
  )sql"));
  return Audit(database);
}

Result<void> Audit::add(const AuditRecord& record) {
  auto added =
      database_->run("INSERT INTO audit (at, by, act, what, words) VALUES (?1, ?2, ?3, ?4, ?5)",
                     {to_column(record.at), record.by, record.act, record.what, record.words});
  if (!added) return std::unexpected(std::move(added).error().within("the audit record"));
  return {};
}

Result<std::vector<AuditRecord>> Audit::newest(std::int64_t most) {
  HOOP_TRY(Statement rows, database_->prepare("SELECT number, at, by, act, what, words FROM audit "
                                              "ORDER BY number DESC LIMIT ?1"));
  HOOP_CHECK(rows.bind({most}));
  std::vector<AuditRecord> out;
  for (;;) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back({rows.integer(0), from_column(rows.integer(1)), rows.text(2), rows.text(3),
                   rows.text(4), rows.text(5)});
  }
}

}  // namespace hoop::gateway
