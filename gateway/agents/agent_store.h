// SPDX-License-Identifier: Apache-2.0
// The agents that a gateway knows: a table in DIR/state/gateway.db. Tokens stand there as SHA-256
// alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/crypto/digest.h"
#include "core/crypto/keys.h"
#include "gateway/sqlite.h"

namespace hoop::gateway {

using Labels = std::map<std::string, std::string>;

struct AgentRecord {
  std::string name;
  Labels serves;                                     // all of them must be the target's
  std::optional<crypto::Ed25519PublicKey> key;       // none: it has not joined
  std::optional<crypto::Ed25519PublicKey> next_key;  // registered, and not used yet
  SystemTime created_at{};
  SystemTime token_expires_at{};
  std::optional<SystemTime> joined_at;
  std::optional<SystemTime> seen_at;
  bool operator==(const AgentRecord&) const = default;
};

/// Whether an agent with these labels may serve a target with those. No labels serve nothing.
bool serves_target(const Labels& serves, const Labels& target);

/// What a join token is proven by.
struct AgentJoin {
  SecretText token;
  crypto::Ed25519PublicKey key{};
};

/// Shares the gateway's database with a gateway that is running: `gateway agent` works at any time.
/// Borrows database. One thread at a time; everything blocks, and fails with storage.
class AgentStore {
 public:
  /// Makes the table if need be.
  static Result<AgentStore> open(Database& database);

  /// Answers a join token, good for one agent until it expires. Fails with usage for a bad name or
  /// label, or a name that is taken.
  Result<SecretText> add(std::string_view name, const Labels& serves,
                         std::chrono::seconds valid_for, Random& random, SystemTime now);
  /// By name.
  Result<std::vector<AgentRecord>> list();
  /// Fails with not_found.
  Result<void> remove(std::string_view name);

  /// Uses the token up and answers the agent's name. Asked again with the same key it answers the
  /// same: an answer may be lost. Fails with unauthenticated.
  Result<std::string> join(const AgentJoin& join, SystemTime now);
  /// From the next use of next on it is the key. Fails with unauthenticated if the agent has
  /// another key, or is gone.
  Result<void> register_key(std::string_view name, const crypto::Ed25519PublicKey& key,
                            const crypto::Ed25519PublicKey& next);
  /// next has been used: the one before it is forgotten. Fails with unauthenticated if it is not
  /// registered.
  Result<void> promote_key(std::string_view name, const crypto::Ed25519PublicKey& next);
  Result<void> set_seen(const std::vector<std::string>& names, SystemTime now);

  /// Changes when somebody else has written to the database.
  Result<std::int64_t> version();

 private:
  explicit AgentStore(Database& database) : database_(&database) {}
  Database* database_;
};

/// What somebody hears who is no agent, or not the one he says: which of the two is not told.
std::unexpected<Error> unknown_agent();

/// What stands before a join token's random part, so that people and scanners know one.
inline constexpr std::string_view kJoinTokenPrefix = "hoopjoin_";

}  // namespace hoop::gateway
