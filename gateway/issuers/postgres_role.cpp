// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/postgres_role.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "gateway/issuers/postgres_rights.h"
#include "protocols/postgres/scram.h"

namespace hoop::gateway {
namespace {

// The password has 256 random bits, which no number of iterations makes safer; fewer make each
// login cheaper.
constexpr std::uint32_t kScramIterations = 1024;
// As many as a session has: its programs may open many (pg_dump -j, pools).
constexpr int kConnectionLimit = 256;
constexpr std::size_t kMaxIdle = 4;
constexpr std::chrono::minutes kMaxIdleTime{5};
// How long a backend may take to notice that it is to end: one that sits in an uninterruptible
// system call takes longer, and the revocation is tried again.
constexpr std::chrono::seconds kTerminatePatience{5};

// Of the mapped role: does it exist; what forbids it; does our marker group exist; when the role is
// to end, by the server's clock.
const std::string& inspect_query() {
  static const std::string query = std::string(kReachableRoles) + R"sql(
SELECT EXISTS (SELECT 1 FROM reachable)::text,
       (SELECT pg_catalog.string_agg(DISTINCT why, ', ') FROM forbidden WHERE why IS NOT NULL),
       EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $2)::text,
       pg_catalog.to_char((pg_catalog.now() + pg_catalog.make_interval(secs => $3::text::float8)) AT TIME ZONE 'UTC',
                          'YYYY-MM-DD HH24:MI:SS.MS') || '+00'
)sql";
  return query;
}

// The role, whether it is ours, and the other role that it is a member of.
constexpr const char* kFind = R"sql(
SELECT r.oid::text,
       EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
               WHERE m.member = r.oid AND g.rolname = $2)::text,
       (SELECT g.rolname::text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid AND g.rolname <> $2 AND g.rolname NOT LIKE 'hoop\_%' ORDER BY 1 LIMIT 1)
FROM pg_catalog.pg_roles r WHERE r.rolname = $1
)sql";

constexpr const char* kTerminate =
    "SELECT pg_catalog.pg_terminate_backend(pid)::text FROM pg_catalog.pg_stat_activity WHERE "
    "usesysid = $1::text::oid";

// Databases in which something hangs on the role; NULL for shared objects. Memberships (PG 16 lists
// them here) go with the role.
constexpr const char* kDependencies = R"sql(
SELECT DISTINCT d.datname::text FROM pg_catalog.pg_shdepend s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = $1::text::oid
  AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass
)sql";

constexpr const char* kList = R"sql(
SELECT r.rolname::text, (r.rolvaliduntil IS NOT NULL AND r.rolvaliduntil < pg_catalog.now())::text
FROM pg_catalog.pg_roles r
JOIN pg_catalog.pg_auth_members m ON m.member = r.oid JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
WHERE g.rolname = $1 AND r.rolname LIKE 'hoop\_%' AND r.rolname NOT LIKE 'hoop\_gw\_%'
)sql";

}  // namespace

std::string marker_group(std::string_view gateway_id) {
  if (gateway_id.starts_with("gw_")) gateway_id.remove_prefix(3);
  return fmt::format("hoop_gw_{}", gateway_id);
}

PostgresRoleIssuer::PostgresRoleIssuer(std::string gateway_id, std::string admin_database,
                                       PgLoginFor login_for, const Clock& clock, Random& random)
    : marker_(marker_group(gateway_id)),
      admin_database_(std::move(admin_database)),
      login_for_(std::move(login_for)),
      clock_(clock),
      random_(random) {}

std::string PostgresRoleIssuer::name_for(const std::string& session) const {
  return "hoop_" + (session.starts_with("s_") ? session.substr(2) : session);
}

Result<PgConnection> PostgresRoleIssuer::borrow() {
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      Idle idle = std::move(idle_.back());
      idle_.pop_back();
      if (clock_.steady_now() - idle.since < kMaxIdleTime) return std::move(idle.connection);
    }
  }
  HOOP_TRY(auto login, login_for_(admin_database_));
  return PgConnection::open(login);
}

void PostgresRoleIssuer::give_back(PgConnection connection) {
  if (connection.is_broken()) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() >= kMaxIdle) idle_.pop_front();
  idle_.push_back(Idle{std::move(connection), clock_.steady_now()});
}

void PostgresRoleIssuer::drop_idle() {
  std::deque<Idle> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

Result<std::vector<PgConnection::Row>> PostgresRoleIssuer::first_read(
    std::optional<PgConnection>& connection, const char* sql,
    const std::vector<std::string>& parameters) {
  for (std::size_t attempt = 0; attempt <= kMaxIdle; ++attempt) {
    HOOP_TRY(auto borrowed, borrow());
    connection.emplace(std::move(borrowed));
    auto rows = connection->query(sql, parameters);
    if (rows || !connection->is_broken()) return rows;
  }
  return fail(ErrorCode::upstream_unreachable, "the server closes every connection",
              "is it starting or stopping? its own log says");
}

Result<void> PostgresRoleIssuer::make_marker(PgConnection& connection) {
  auto made = connection.run(
      fmt::format("CREATE ROLE {} NOLOGIN NOINHERIT", connection.identifier(marker_)));
  // Another session's issue may have made it between our look and now.
  if (!made && connection.sqlstate() != "42710" && connection.sqlstate() != "23505")
    return std::unexpected(std::move(made).error().within("make the marker group"));
  return {};
}

Result<PostgresRoleIssuer::Terms> PostgresRoleIssuer::terms_for(
    std::optional<PgConnection>& connection, const access::Authorization& authorization) {
  const std::string& mapped = authorization.database_role();
  if (mapped.empty())
    return fail(ErrorCode::config,
                fmt::format("role '{}' has no database_role", authorization.role()),
                "a role that opens postgres targets needs one");
  const auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(
      authorization.valid_until() - clock_.system_now());
  if (ttl <= std::chrono::milliseconds(0))
    return fail(ErrorCode::denied, "the authorization has expired");
  HOOP_TRY(const auto rows,
           first_read(
               connection, inspect_query().c_str(),
               {mapped, marker_, fmt::format("{}.{:03}", ttl.count() / 1000, ttl.count() % 1000)}));
  const PgConnection::Row& facts = rows.at(0);
  if (facts[0] != "true") {
    give_back(std::move(*connection));
    return fail(ErrorCode::config, fmt::format("mapped role '{}' does not exist at target '{}'",
                                               mapped, authorization.target().name));
  }
  if (facts[1]) {
    give_back(std::move(*connection));
    return fail(ErrorCode::denied,
                fmt::format("mapped role '{}' may not be handed out: it is or can become {}",
                            mapped, *facts[1]),
                "map to a role without these rights");
  }
  return Terms{facts[3].value_or(""), facts[2] == "true"};
}

Result<void> PostgresRoleIssuer::extend(const access::Authorization& authorization,
                                        const std::string& name) {
  std::optional<PgConnection> connection;
  HOOP_TRY(const Terms terms, terms_for(connection, authorization));
  const auto rows = connection->query(kFind, {name, marker_});
  Result<void> done;
  if (!rows) {
    done = std::unexpected(rows.error());
  } else if (rows->empty() || rows->at(0)[1] != "true") {
    done = fail(ErrorCode::not_found, fmt::format("role '{}' is not there", name));
  } else {
    done = connection->run(fmt::format("ALTER ROLE {} VALID UNTIL {}", connection->identifier(name),
                                       connection->literal(terms.until)));
  }
  give_back(std::move(*connection));
  if (!done) return std::unexpected(std::move(done).error().within("renew the session's role"));
  return {};
}

Result<access::Credential> PostgresRoleIssuer::issue(const access::Authorization& authorization,
                                                     const std::string& name) {
  const std::string& mapped = authorization.database_role();
  std::optional<PgConnection> connection;
  HOOP_TRY(const Terms terms, terms_for(connection, authorization));
  if (!terms.has_marker) HOOP_CHECK(make_marker(*connection));

  Bytes password_bytes, salt;
  {
    const std::lock_guard lock(mutex_);
    password_bytes = random_.bytes(32);
    salt = random_.bytes(16);
  }
  SecretText password(to_base64url(password_bytes));
  wipe(password_bytes.data(), password_bytes.size());
  const PgConnection& quote = *connection;
  const std::string role = quote.identifier(name);
  const bool options = quote.server_version() >= 160000;
  auto made = connection->run(
      fmt::format("CREATE ROLE {0} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE "
                  "NOREPLICATION NOBYPASSRLS CONNECTION LIMIT {1} "
                  "PASSWORD {2} VALID UNTIL {3}; GRANT {4} TO {0}{5}; GRANT {6} TO {0}{7}; ALTER "
                  "ROLE {0} SET role = {8}",
                  role, kConnectionLimit,
                  quote.literal(postgres::scram_verifier(password, salt, kScramIterations)),
                  quote.literal(terms.until), quote.identifier(mapped),
                  options ? " WITH INHERIT FALSE, SET TRUE" : "", quote.identifier(marker_),
                  options ? " WITH INHERIT FALSE, SET FALSE" : "", quote.literal(mapped)));
  give_back(std::move(*connection));
  if (!made) return std::unexpected(std::move(made).error().within("make the session's role"));
  return access::PostgresCredential{name, std::move(password), authorization.valid_until()};
}

Result<void> PostgresRoleIssuer::end_sessions(PgConnection& connection, const std::string& name,
                                              const SessionRole& role) {
  const SteadyTime give_up = clock_.steady_now() + kTerminatePatience;
  bool joined = false;
  for (std::chrono::milliseconds pause{2};;
       pause = std::min(pause * 2, std::chrono::milliseconds(100))) {
    auto backends = connection.query(kTerminate, {role.oid});
    if (!backends) {
      if (joined || connection.sqlstate() != "42501")
        return std::unexpected(std::move(backends).error().within("end its backends"));
      // Without pg_signal_backend one must be a member of the role to end its backends.
      HOOP_CHECK(
          connection.run(fmt::format("GRANT {} TO CURRENT_USER", connection.identifier(name))));
      joined = true;
      continue;
    }
    if (backends->empty()) return {};
    if (clock_.steady_now() > give_up)
      return fail(ErrorCode::timeout,
                  fmt::format("{} backends of the role do not end", backends->size()));
    std::this_thread::sleep_for(pause);
  }
}

Result<void> PostgresRoleIssuer::release_objects(PgConnection& connection, const std::string& name,
                                                 const SessionRole& role) {
  HOOP_TRY(const auto databases, connection.query(kDependencies, {role.oid}));
  if (databases.empty()) return {};
  // REASSIGN and DROP OWNED want the rights of the role itself.
  HOOP_CHECK(connection.run(
      fmt::format("GRANT {} TO CURRENT_USER{}", connection.identifier(name),
                  connection.server_version() >= 160000 ? " WITH INHERIT TRUE, SET TRUE" : "")));
  for (const PgConnection::Row& row : databases) {
    HOOP_TRY(auto login, login_for_(row[0].value_or(admin_database_)));
    HOOP_TRY(auto there, PgConnection::open(login));
    const std::string heir = role.mapped.empty() ? "CURRENT_USER" : there.identifier(role.mapped);
    auto released = there.run(fmt::format("REASSIGN OWNED BY {0} TO {1}; DROP OWNED BY {0}",
                                          there.identifier(name), heir));
    if (!released)
      return std::unexpected(std::move(released).error().within(
          fmt::format("give away its objects in '{}'", login.database)));
  }
  return {};
}

Result<void> PostgresRoleIssuer::drop(PgConnection& connection, const std::string& name,
                                      const SessionRole& role) {
  // A backend that was ending may have left something between our look and now: look again.
  for (int attempt = 0;; ++attempt) {
    HOOP_CHECK(release_objects(connection, name, role));
    auto dropped =
        connection.run(fmt::format("DROP ROLE IF EXISTS {}", connection.identifier(name)));
    if (dropped) return {};
    if (connection.sqlstate() != "2BP01")
      return std::unexpected(std::move(dropped).error().within("drop it"));
    // It can neither log in nor run anything by now; only the name is left.
    if (attempt == 2)
      return std::unexpected(std::move(dropped).error().within("drop it").with_hint(
          "somebody else granted it something: run DROP OWNED BY as a superuser, in every "
          "database"));
  }
}

Result<void> PostgresRoleIssuer::revoke(const std::string& name) {
  const std::string context = fmt::format("revoke role '{}'", name);
  const auto with_context = [&](Error error) {
    return std::unexpected(std::move(error).within(context));
  };
  std::optional<PgConnection> connection;
  auto rows = first_read(connection, kFind, {name, marker_});
  if (!rows) return with_context(std::move(rows).error());
  if (rows->empty()) {
    give_back(std::move(*connection));
    return {};
  }
  const PgConnection::Row& row = rows->at(0);
  if (row[1] != "true") {
    give_back(std::move(*connection));
    return with_context(Error{ErrorCode::integrity,
                              fmt::format("it is not in '{}', so it is not ours", marker_),
                              "look at it, and drop it by hand",
                              {}});
  }
  const SessionRole role{row[0].value_or(""), row[2].value_or("")};
  // Committed by itself first: from here on nobody new comes in, so that the look at the backends
  // has an end.
  auto done = connection->run(fmt::format("ALTER ROLE {} NOLOGIN", connection->identifier(name)));
  if (done) done = end_sessions(*connection, name, role);
  if (done) done = drop(*connection, name, role);
  // A login that had passed the check of NOLOGIN, but was not yet in pg_stat_activity, shows up
  // here.
  if (done) done = end_sessions(*connection, name, role);
  give_back(std::move(*connection));
  if (!done) return with_context(std::move(done).error());
  return {};
}

Result<std::vector<CredentialIssuer::Issued>> PostgresRoleIssuer::list() {
  std::optional<PgConnection> connection;
  HOOP_TRY(const auto rows, first_read(connection, kList, {marker_}));
  give_back(std::move(*connection));
  std::vector<Issued> out;
  out.reserve(rows.size());
  for (const PgConnection::Row& row : rows)
    out.push_back(Issued{row[0].value_or(""), row[1] == "true"});
  return out;
}

}  // namespace hoop::gateway
