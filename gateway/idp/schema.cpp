// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/schema.h"

namespace hoop::gateway::idp {
namespace {

/// To a table of a database from before there was this column.
Result<void> add_missing(Database& database, const std::string& table, const std::string& column,
                         const std::string& kind) {
  HOOP_TRY(const auto is_there,
           database.find("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", {table, column}));
  if (is_there) return {};
  return database.script("ALTER TABLE " + table + " ADD COLUMN " + column + " " + kind);
}

}  // namespace

Result<void> make_tables(Database& database) {
  // Codes and tokens stand here as SHA-256 alone: who reads the file can log in as nobody.
  HOOP_CHECK(database.script(R"sql(
    CREATE TABLE IF NOT EXISTS idp_users (
      name TEXT PRIMARY KEY,
      password_hash TEXT NOT NULL,
      groups TEXT NOT NULL,          -- one a line
      disabled INTEGER NOT NULL DEFAULT 0,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS idp_wrong_passwords (
      name TEXT PRIMARY KEY,         -- '' stands for all whom nobody knows
      tries INTEGER NOT NULL         -- since the last right one
    ) STRICT;
    CREATE TABLE IF NOT EXISTS idp_device_requests (
      device_code BLOB PRIMARY KEY,
      user_code BLOB NOT NULL UNIQUE,
      client_id TEXT NOT NULL,
      client_host TEXT NOT NULL,     -- what the requester calls itself
      address TEXT NOT NULL,         -- where the request came from
      requested_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      interval INTEGER NOT NULL,     -- seconds
      polled_at INTEGER NOT NULL,
      state TEXT NOT NULL,           -- pending, approved, denied
      browser BLOB,                  -- SHA-256 of the cookie of the browser that signed in
      subject TEXT,
      signed_in_at INTEGER,
      scope TEXT NOT NULL DEFAULT 'hoopctl'
    ) STRICT;
    CREATE INDEX IF NOT EXISTS idp_device_requests_expiry ON idp_device_requests (expires_at);
    CREATE TABLE IF NOT EXISTS idp_authorization_codes (
      code BLOB PRIMARY KEY,
      subject TEXT NOT NULL,
      redirect_uri TEXT NOT NULL,
      challenge TEXT NOT NULL,       -- RFC 7636, S256
      expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS idp_logins (
      family INTEGER PRIMARY KEY,
      subject TEXT NOT NULL,
      client_id TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      ended INTEGER NOT NULL DEFAULT 0,
      key TEXT NOT NULL DEFAULT ''   -- thumbprint of the key that it is bound to; '': none
    ) STRICT;
    CREATE INDEX IF NOT EXISTS idp_logins_subject ON idp_logins (subject);
    CREATE TABLE IF NOT EXISTS idp_refresh_tokens (
      token BLOB PRIMARY KEY,
      family INTEGER NOT NULL REFERENCES idp_logins (family) ON DELETE CASCADE,
      used INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS idp_refresh_tokens_family ON idp_refresh_tokens (family);
  )sql"));
  HOOP_CHECK(add_missing(database, "idp_logins", "key", "TEXT NOT NULL DEFAULT ''"));
  return add_missing(database, "idp_device_requests", "scope", "TEXT NOT NULL DEFAULT 'hoopctl'");
}

}  // namespace hoop::gateway::idp
