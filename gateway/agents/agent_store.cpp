// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxLabels = 32;
constexpr std::size_t kMaxLabelBytes = 128;
constexpr std::size_t kTokenBytes = 32;

/// Names stand in URLs, log lines and what is signed.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '-' && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

bool is_label_text(std::string_view text) {
  return text.size() <= kMaxLabelBytes &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

Result<std::string> to_lines(const Labels& labels) {
  if (labels.size() > kMaxLabels) return fail(ErrorCode::usage, "more than 32 labels");
  std::string out;
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.find('=') != std::string::npos || !is_label_text(key) ||
        !is_label_text(value))
      return fail(ErrorCode::usage,
                  fmt::format("'{}' is not a label", neutralise(key, 64, Lines::escape)),
                  "write it like env=prod");
    out += key + "=" + value + "\n";
  }
  return out;
}

Labels from_lines(const std::string& text) {
  Labels out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::size_t sign = std::min(text.find('=', start), end);
    out.emplace(text.substr(start, sign - start),
                sign < end ? text.substr(sign + 1, end - sign - 1) : std::string());
    start = end + 1;
  }
  return out;
}

std::optional<crypto::Ed25519PublicKey> to_key(const Bytes& bytes) {
  crypto::Ed25519PublicKey out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::ranges::copy(bytes, out.begin());
  return out;
}

AgentRecord read_row(const Statement& row) {
  AgentRecord out;
  out.name = row.text(0);
  out.serves = from_lines(row.text(1));
  out.key = to_key(row.blob(2));
  out.next_key = to_key(row.blob(3));
  out.created_at = from_column(row.integer(4));
  out.token_expires_at = from_column(row.integer(5));
  if (const auto at = row.optional_integer(6)) out.joined_at = from_column(*at);
  if (const auto at = row.optional_integer(7)) out.seen_at = from_column(*at);
  return out;
}

std::unexpected<Error> bad_token() {
  return fail(ErrorCode::unauthenticated, "this join token is not good (any more)",
              "'hoopctl gateway agent add' makes another one");
}

}  // namespace

std::unexpected<Error> unknown_agent() {
  return fail(ErrorCode::unauthenticated, "there is no such agent, or this is not its key");
}

bool serves_target(const Labels& serves, const Labels& target) {
  return !serves.empty() && std::ranges::all_of(serves, [&](const auto& label) {
    const auto found = target.find(label.first);
    return found != target.end() && found->second == label.second;
  });
}

Result<AgentStore> AgentStore::open(Database& database) {
  HOOP_CHECK(database.script(R"sql(
    CREATE TABLE IF NOT EXISTS agents (
      name TEXT PRIMARY KEY,
      serves TEXT NOT NULL,            -- key=value, one a line
      token_digest BLOB NOT NULL,      -- SHA-256 of the join token
      token_expires_at INTEGER NOT NULL,
      key BLOB,                        -- Ed25519, as next_key; null until it has joined
      next_key BLOB,                   -- registered by the agent, and not used yet
      created_at INTEGER NOT NULL,
      joined_at INTEGER,
      seen_at INTEGER
    ) STRICT;
  )sql"));
  return AgentStore(database);
}

Result<SecretText> AgentStore::add(std::string_view name, const Labels& serves,
                                   std::chrono::seconds valid_for, Random& random, SystemTime now) {
  if (!is_name(name))
    return fail(ErrorCode::usage, "not an agent's name", "up to 63 of a-z, 0-9, '-', '_' and '.'");
  HOOP_TRY(const std::string lines, to_lines(serves));
  SecretText token(std::string(kJoinTokenPrefix) + to_base64url(random.bytes(kTokenBytes)));
  const crypto::Digest256 digest = crypto::sha256(as_bytes(token.reveal()));
  HOOP_CHECK(database_->run(
      "INSERT INTO agents (name, serves, token_digest, token_expires_at, created_at) VALUES (?, ?, "
      "?, ?, ?) ON CONFLICT DO NOTHING",
      {name, lines, ByteSpan(digest), to_column(now + valid_for), to_column(now)}));
  if (database_->changes() == 0)
    return fail(ErrorCode::usage, fmt::format("there is an agent '{}' already", name),
                "'hoopctl gateway agent remove' forgets it");
  return token;
}

Result<std::vector<AgentRecord>> AgentStore::list() {
  HOOP_TRY(Statement rows,
           database_->prepare("SELECT name, serves, key, next_key, created_at, token_expires_at, "
                              "joined_at, seen_at FROM agents ORDER BY name"));
  std::vector<AgentRecord> out;
  while (true) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back(read_row(rows));
  }
}

Result<void> AgentStore::remove(std::string_view name) {
  HOOP_CHECK(database_->run("DELETE FROM agents WHERE name = ?", {name}));
  if (database_->changes() == 0)
    return fail(ErrorCode::not_found, fmt::format("there is no agent '{}'", name));
  return {};
}

Result<std::string> AgentStore::join(const AgentJoin& join, SystemTime now) {
  const crypto::Digest256 digest = crypto::sha256(as_bytes(join.token.reveal()));
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  std::optional<std::string> name;
  bool joined = false;
  {
    HOOP_TRY(Statement rows,
             database_->prepare("SELECT name, token_digest, token_expires_at, key FROM agents"));
    for (;;) {
      HOOP_TRY(const bool found, rows.step());
      if (!found) break;
      // All are compared, each in the same time, whichever it is.
      if (!equal_constant_time(rows.blob(1), digest)) continue;
      const Bytes key = rows.blob(3);
      joined = key == Bytes(join.key.begin(), join.key.end());
      if (from_column(rows.integer(2)) > now && (key.empty() || joined)) name = rows.text(0);
    }
  }
  if (!name) return bad_token();
  if (!joined)
    HOOP_CHECK(database_->run("UPDATE agents SET key = ?2, joined_at = ?3 WHERE name = ?1",
                              {*name, ByteSpan(join.key), to_column(now)}));
  HOOP_CHECK(transaction.commit());
  return *name;
}

Result<void> AgentStore::register_key(std::string_view name, const crypto::Ed25519PublicKey& key,
                                      const crypto::Ed25519PublicKey& next) {
  HOOP_CHECK(database_->run("UPDATE agents SET next_key = ?3 WHERE name = ?1 AND key = ?2",
                            {name, ByteSpan(key), ByteSpan(next)}));
  if (database_->changes() == 0) return unknown_agent();
  return {};
}

Result<void> AgentStore::promote_key(std::string_view name, const crypto::Ed25519PublicKey& next) {
  HOOP_CHECK(database_->run(
      "UPDATE agents SET key = next_key, next_key = NULL WHERE name = ?1 AND next_key = ?2",
      {name, ByteSpan(next)}));
  if (database_->changes() == 0) return unknown_agent();
  return {};
}

Result<void> AgentStore::set_seen(const std::vector<std::string>& names, SystemTime now) {
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  for (const std::string& name : names)
    HOOP_CHECK(
        database_->run("UPDATE agents SET seen_at = ?2 WHERE name = ?1", {name, to_column(now)}));
  return transaction.commit();
}

Result<std::int64_t> AgentStore::version() { return database_->data_version(); }

}  // namespace hoop::gateway
