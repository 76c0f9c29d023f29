// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL role per session: made for minutes, member of the mapped role, dropped with
// everything that hangs on it.
//
// Every role is a member of the marker group hoop_gw_<gateway id>, which is how the reaper knows
// its own. The mapped role is entered by SET ROLE at login (ALTER ROLE … SET role), so that what a
// session creates belongs to the mapped role.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "core/base/log.h"
#include "core/base/random.h"
#include "gateway/issuers/credential_issuer.h"
#include "gateway/issuers/pg_connection.h"

namespace hoop::gateway {

/// hoop_gw_<id without its gw_>.
std::string marker_group(std::string_view gateway_id);

class PostgresRoleIssuer final : public CredentialIssuer {
 public:
  /// login says how to reach a database of the server as the admin; it is asked anew for every
  /// connection, so that a changed password is taken up. The clock is not ours: expiry is the
  /// server's now() + ttl.
  using PgLoginFor = std::function<Result<PgLogin>(const std::string& database)>;
  PostgresRoleIssuer(std::string gateway_id, std::string admin_database, PgLoginFor login_for,
                     const Clock& clock, Random& random);

  std::string name_for(const std::string& session) const override;
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string& name) override;
  Result<std::vector<Issued>> list() override;
  void drop_idle() override;

 private:
  struct Idle {
    PgConnection connection;
    SteadyTime since;
  };
  struct SessionRole {
    std::string oid;
    std::string mapped;  // empty if it is a member of nothing else
  };
  /// Takes an idle connection or opens one.
  Result<PgConnection> borrow();
  void give_back(PgConnection connection);
  /// Runs work on a borrowed connection; once more on a new one if the first turns out to have died
  /// while idle, which is safe for the reads that every operation begins with.
  Result<std::vector<PgConnection::Row>> first_read(std::optional<PgConnection>& connection,
                                                    const char* sql,
                                                    const std::vector<std::string>& parameters);
  /// Until when a role is good, by the server's clock; and whether sessions may have mapped.
  struct Terms {
    std::string until;
    bool has_marker = false;
  };
  Result<Terms> terms_for(std::optional<PgConnection>& connection,
                          const access::Authorization& authorization);
  Result<void> make_marker(PgConnection& connection);
  Result<void> end_sessions(PgConnection& connection, const std::string& name,
                            const SessionRole& role);
  Result<void> release_objects(PgConnection& connection, const std::string& name,
                               const SessionRole& role);
  Result<void> drop(PgConnection& connection, const std::string& name, const SessionRole& role);

  std::string marker_;
  std::string admin_database_;
  PgLoginFor login_for_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // guards idle_ and random_
  std::deque<Idle> idle_;
};

}  // namespace hoop::gateway
