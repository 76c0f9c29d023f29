// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/logins.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/idp/schema.h"

namespace hoop::gateway::idp {
namespace {

crypto::Digest256 token_digest(std::string_view token) { return crypto::sha256(as_bytes(token)); }

}  // namespace

Result<SecretText> Logins::issue(std::int64_t family, Random& random) {
  SecretText token(to_base64url(random.bytes(32)));
  HOOP_CHECK(database_.run("INSERT INTO idp_refresh_tokens (token, family) VALUES (?, ?)",
                           {token_digest(token.reveal()), family}));
  return token;
}

Result<SecretText> Logins::start(std::string_view subject, std::string_view client_id,
                                 std::string_view key, SystemTime now, std::chrono::seconds life,
                                 Random& random) {
  HOOP_TRY(Transaction transaction, Transaction::begin(database_));
  HOOP_CHECK(
      database_.run("INSERT INTO idp_logins (subject, client_id, started_at, expires_at, key) "
                    "VALUES (?, ?, ?, ?, ?)",
                    {subject, client_id, to_column(now), to_column(now + life), key}));
  HOOP_TRY(SecretText token, issue(database_.last_insert_rowid(), random));
  HOOP_CHECK(transaction.commit());
  return token;
}

Result<Logins::Rotation> Logins::rotate(std::string_view token, std::string_view client_id,
                                        std::string_view proven, SystemTime now, Random& random) {
  using State = Rotation::State;
  HOOP_TRY(Transaction transaction, Transaction::begin(database_));
  HOOP_TRY(const auto row,
           database_.find("SELECT t.used, l.family, l.subject, l.expires_at, l.ended, l.key FROM "
                          "idp_refresh_tokens t"
                          " JOIN idp_logins l USING (family) WHERE t.token = ? AND l.client_id = ?",
                          {token_digest(token), client_id}));
  if (!row) return Rotation{};
  const std::string key = row->text(5);
  if (!key.empty() && key != proven) return Rotation{};
  const std::int64_t family = row->integer(1);
  Rotation out{State::ended, row->text(2), {}};
  if (row->integer(4) != 0 || from_column(row->integer(3)) <= now) return out;
  if (row->integer(0) != 0) {
    HOOP_CHECK(database_.run("UPDATE idp_logins SET ended = 1 WHERE family = ?", {family}));
    out.state = State::reused;
  } else {
    HOOP_CHECK(database_.run("UPDATE idp_refresh_tokens SET used = 1 WHERE token = ?",
                             {token_digest(token)}));
    HOOP_TRY(out.token, issue(family, random));
    out.state = State::rotated;
  }
  HOOP_CHECK(transaction.commit());
  return out;
}

Result<void> Logins::end(std::string_view token, std::string_view client_id) {
  return database_.run(
      "UPDATE idp_logins SET ended = 1 WHERE client_id = ? AND family IN"
      " (SELECT family FROM idp_refresh_tokens WHERE token = ?)",
      {client_id, token_digest(token)});
}

Result<void> Logins::purge(SystemTime now) {
  // Tokens go with their login. An ended one stays until its time: a reused token is still told
  // from an unknown one in the log.
  return database_.run("DELETE FROM idp_logins WHERE expires_at <= ?", {to_column(now)});
}

}  // namespace hoop::gateway::idp
