// SPDX-License-Identifier: Apache-2.0
// One PostgreSQL login that all sessions of a target share, where no role can be made: its password
// is a reference, and goes no further than this process.
//
// Nothing is made at the server and nothing removed: a session ends with the engine that runs it.
// Only for the gateway path; gateway/config.h sees to it.
#pragma once

#include "gateway/issuers/credential_issuer.h"
#include "gateway/issuers/pg_connection.h"

namespace hoop::gateway {

class PostgresLoginIssuer final : public CredentialIssuer {
 public:
  /// database: where the login's rights are looked at.
  PostgresLoginIssuer(std::string user, std::string database, PgLoginFor login_for)
      : user_(std::move(user)), database_(std::move(database)), login_for_(std::move(login_for)) {}

  std::string name_for(const std::string& session) const override;
  /// Logs in and looks at what the login may do, each time: fails with denied where it is or can
  /// become what no session may be, or may not enter the policy role's database_role.
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  /// Looks at what the login may do by now.
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string& name) override;
  Result<std::vector<Issued>> list() override;

 private:
  std::string user_;
  std::string database_;
  PgLoginFor login_for_;
};

/// Whether sessions may have the login that this connection is of, and enter database_role, which
/// may be empty. Fails as issue() does.
Result<void> check_shared_login(PgConnection& connection, const std::string& user,
                                const std::string& database_role);

}  // namespace hoop::gateway
