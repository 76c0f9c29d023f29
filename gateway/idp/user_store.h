// SPDX-License-Identifier: Apache-2.0
// The people that the embedded identity provider knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

struct User {
  std::string name;
  std::vector<std::string> groups;
  bool disabled = false;
  SystemTime created_at{};
  bool locked = false;  // too many wrong passwords
  bool operator==(const User&) const = default;
};

/// Shares the gateway's database with a gateway that is running: `gateway user` works at any time.
/// Borrows database.
class UserStore {
 public:
  /// Makes the tables if need be.
  static Result<UserStore> open(Database& database);

  /// Fails with usage for a bad name, group or password (8 to 1024 bytes), or if the name is taken.
  /// Takes 80 ms.
  Result<void> add_user(std::string_view name, const SecretText& password,
                        const std::vector<std::string>& groups, Random& random, SystemTime now);
  Result<std::vector<User>> list_users();
  Result<std::optional<User>> find_user(std::string_view name);
  /// Both end every login of that user; a new password also unlocks. Fail with not_found.
  Result<void> set_password(std::string_view name, const SecretText& password, Random& random);
  Result<void> remove_user(std::string_view name);
  enum class State { enabled, disabled };
  /// Disabling ends every login; enabling unlocks. Fails with not_found.
  Result<void> set_state(std::string_view name, State state);

  /// Of whoever has any under this name: refresh tokens, and logins that were approved and not yet
  /// fetched.
  Result<void> end_logins(std::string_view name);

  /// As many wrong passwords, one after the other, lock a user out for good (NIST SP 800-63B 5.2.2:
  /// at most 100), whatever their pace.
  static constexpr std::int64_t kMostWrongPasswords = 100;
  /// Counts one. True: it was the one that locks this user. Of names that nobody has all are
  /// counted as one, which locks nobody.
  Result<bool> wrong_password(std::string_view name);
  /// Begins the count anew.
  Result<void> right_password(std::string_view name);

  /// The stored hash of a user that may sign in; nullopt for one that is unknown, disabled or
  /// locked.
  Result<std::optional<std::string>> password_hash(std::string_view name);

 private:
  explicit UserStore(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoop::gateway::idp
