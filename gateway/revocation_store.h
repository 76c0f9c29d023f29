// SPDX-License-Identifier: Apache-2.0
// Whose access was taken back, and when: a table in DIR/state/gateway.db.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "gateway/sqlite.h"

namespace hoop::gateway {

/// What subject's tokens that were issued by then, and what was opened with them, are worth no
/// more.
struct Revocation {
  std::string subject;
  SystemTime at{};
  std::string by;     // the subject of the operator; empty: done at the gateway's machine
  std::string words;  // the reason that was given; may be empty
  bool operator==(const Revocation&) const = default;
};

/// Shares the gateway's database with a gateway that is running: `gateway user` works at any time.
/// Borrows database. One thread at a time; everything blocks, and fails with storage.
class RevocationStore {
 public:
  /// Makes the table if need be.
  static Result<RevocationStore> open(Database& database);

  /// In the place of an earlier one of that subject. Also ends the subject's logins at the embedded
  /// identity provider, if it has any there: what they could fetch would be newer.
  Result<void> add(const Revocation& revocation);
  /// The latest of each subject, by subject.
  Result<std::vector<Revocation>> list();
  /// Changes when somebody else has written to the database.
  Result<std::int64_t> version();

 private:
  explicit RevocationStore(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoop::gateway
