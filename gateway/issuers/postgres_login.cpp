// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/postgres_login.h"

#include <fmt/format.h>

#include "gateway/issuers/postgres_rights.h"

namespace hoop::gateway {
namespace {

// Answers what forbids it; whether there is a role $2; whether the login may enter it.
std::string rights_query(bool set_option) {
  return std::string(kReachableRoles) + fmt::format(R"sql(
SELECT (SELECT pg_catalog.string_agg(DISTINCT why, ', ') FROM forbidden WHERE why IS NOT NULL),
       EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $2)::text,
       (SELECT pg_catalog.pg_has_role(current_user, r.oid, '{}')::text FROM pg_catalog.pg_roles r WHERE r.rolname = $2)
)sql",
                                                    set_option ? "SET" : "MEMBER");
}

}  // namespace

Result<void> check_shared_login(PgConnection& connection, const std::string& user,
                                const std::string& database_role) {
  HOOP_TRY(const auto rows,
           connection.query(rights_query(connection.server_version() >= 160000).c_str(),
                            {user, database_role}));
  const PgConnection::Row& facts = rows.at(0);
  if (facts[0])
    return fail(
        ErrorCode::denied,
        fmt::format("login '{}' may not be handed out: it is or can become {}", user, *facts[0]),
        "use a login without these rights");
  if (database_role.empty()) return {};
  if (facts[1] != "true")
    return fail(ErrorCode::config, fmt::format("mapped role '{}' does not exist", database_role),
                "CREATE ROLE it at the target, or correct database_role in the policy");
  if (facts[2] != "true")
    return fail(ErrorCode::config,
                fmt::format("login '{}' may not become '{}'", user, database_role),
                fmt::format("GRANT {} TO {}, or leave database_role out", database_role, user));
  return {};
}

std::string PostgresLoginIssuer::name_for(const std::string&) const { return "login:" + user_; }

Result<access::Credential> PostgresLoginIssuer::issue(const access::Authorization& authorization,
                                                      const std::string&) {
  if (authorization.path() != access::DataPath::gateway)
    return fail(ErrorCode::internal, "a shared login does not leave the gateway");
  HOOP_TRY(const PgLogin login, login_for_(database_));
  HOOP_TRY(auto connection, PgConnection::open(login));
  HOOP_CHECK(check_shared_login(connection, user_, authorization.database_role()));
  access::PostgresCredential credential;
  credential.username = user_;
  credential.password = login.password.clone();
  credential.expires_at = authorization.valid_until();
  credential.shared = true;
  return credential;
}

Result<void> PostgresLoginIssuer::extend(const access::Authorization& authorization,
                                         const std::string& name) {
  if (auto again = issue(authorization, name); !again)
    return std::unexpected(std::move(again).error());
  return {};
}

Result<void> PostgresLoginIssuer::revoke(const std::string&) { return {}; }

Result<std::vector<CredentialIssuer::Issued>> PostgresLoginIssuer::list() {
  return std::vector<Issued>();
}

}  // namespace hoop::gateway
