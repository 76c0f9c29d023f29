// SPDX-License-Identifier: Apache-2.0
// Who has administered the gateway, and how: rows that are added and never changed. What people do
// at targets stands in the sessions' own logs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "gateway/sqlite.h"

namespace hoop::gateway {

struct AuditRecord {
  std::int64_t number = 0;  // given by the store, without gaps
  SystemTime at{};
  std::string by;     // an identity's subject, or "os:NAME" for who runs commands at the gateway
  std::string act;    // "user.disable"
  std::string what;   // whom or what it was done to
  std::string words;  // why, or how
  bool operator==(const AuditRecord&) const = default;
};

/// Borrows database, which may be shared with a gateway that runs.
class Audit {
 public:
  /// Makes the table if need be.
  static Result<Audit> open(Database& database);

  /// On disk when it returns: call it before the act, so that none is without a record. An act that
  /// fails then stands there as what was asked for.
  Result<void> add(const AuditRecord& record);
  /// The newest first.
  Result<std::vector<AuditRecord>> newest(std::int64_t most);

 private:
  explicit Audit(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoop::gateway
