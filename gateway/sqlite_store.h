// SPDX-License-Identifier: Apache-2.0
// The store of one gateway: a table in DIR/state/gateway.db.
#pragma once

#include <filesystem>
#include <mutex>

#include "gateway/sqlite.h"
#include "gateway/store.h"

namespace hoop::gateway {

class SqliteStore final : public Store {
 public:
  /// Makes the table if it is not there, and brings one of an older version up to date. Fails with
  /// storage, also for a file of a newer version.
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file);

  Result<void> add(const SessionRecord& record) override;
  Result<void> set_active(const std::string& session) override;
  Result<void> set_expiry(const std::string& session, SystemTime at) override;
  Result<bool> extend(const std::string& session, SystemTime from, SystemTime to) override;
  Result<void> set_revoked(const std::string& session, SystemTime at) override;
  Result<void> set_finished(const std::string& session, const FinishedLog& log) override;
  Result<std::optional<SessionRecord>> find(const std::string& session) override;
  Result<std::vector<SessionRecord>> list(const SessionQuery& query) override;
  Result<std::size_t> count_live(const std::string& subject, SystemTime now) override;
  Result<std::vector<SessionRecord>> unrevoked() override;
  Result<void> check() override;

 private:
  explicit SqliteStore(Database database) : database_(std::move(database)) {}
  Result<std::vector<SessionRecord>> select(std::string_view tail,
                                            std::initializer_list<SqlValue> values);
  std::mutex mutex_;
  Database database_;
};

}  // namespace hoop::gateway
