// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/postgres_role.h"

#include <libpq-fe.h>

#include <memory>
#include <thread>

#include <fmt/format.h>

#include "core/access/policy.h"
#include "core/crypto/digest.h"
#include "protocols/postgres/scram.h"
#include "tests/support/catch.h"
#include "tests/support/postgres_server.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

void prepare(const test::PostgresServer& made) {
  made.sql("CREATE DATABASE demo");
  made.sql("CREATE DATABASE other");
  // What hoopctl-gateway(8) tells the DBA to run.
  made.sql("CREATE ROLE hoop_admin LOGIN CREATEROLE PASSWORD 'admin password'");
  made.sql("GRANT pg_signal_backend TO hoop_admin");
  made.sql("CREATE ROLE app_read NOLOGIN");
  made.sql("GRANT app_read TO hoop_admin WITH ADMIN OPTION");
  made.sql(
      "CREATE TABLE t(x int); GRANT SELECT ON t TO app_read; GRANT CREATE ON SCHEMA public TO "
      "app_read",
      "demo");
  made.sql("GRANT CREATE ON SCHEMA public TO app_read", "other");
}

/// One server for the file: the cases use roles and databases of their own names. Destroyed at
/// exit, and its folder with it.
test::PostgresServer& server() {
  static const std::unique_ptr<test::PostgresServer> one = [] {
    auto made = std::make_unique<test::PostgresServer>();
    prepare(*made);
    return made;
  }();
  return *one;
}

struct RoleFixture {
  SystemClock clock;
  crypto::SystemRandom random;
  std::string gateway_id = "gw_test1";
  std::string admin = "hoop_admin";
  PostgresRoleIssuer issuer{gateway_id, "postgres",
                            [this](const std::string& database) { return login(database); }, clock,
                            random};

  Result<PgLogin> login(const std::string& database) {
    PgLogin out;
    out.host = server().host();
    out.port = server().port();
    out.tls = access::TlsMode::disable;
    out.user = admin;
    out.password = SecretText(std::string("admin password"));
    out.database = database;
    return out;
  }

  access::Authorization authorization(const std::string& mapped,
                                      std::chrono::seconds ttl = std::chrono::minutes(5)) {
    access::PolicyDocument policy;
    access::Role role;
    role.name = "r";
    role.members = {"*"};
    role.targets = {"*"};
    role.database_role = mapped;
    policy.roles = {role};
    access::Identity identity;
    identity.subject = "alice";
    identity.expires_at = clock.system_now() + std::chrono::hours(1);
    access::Target target;
    target.name = "pg";
    target.protocol = "postgres";
    auto out = access::PolicyEngine(policy).authorize(identity, target, ttl, clock.system_now());
    REQUIRE(out);
    return std::move(*out);
  }

  access::PostgresCredential issue(const std::string& name,
                                   const std::string& mapped = "app_read") {
    auto credential = issuer.issue(authorization(mapped), name);
    INFO((credential ? "" : credential.error().message + " / " + credential.error().remote));
    REQUIRE(credential);
    return std::get<access::PostgresCredential>(std::move(*credential));
  }
};

/// A session's own connection, over TCP with SCRAM.
struct Client {
  explicit Client(const access::PostgresCredential& credential,
                  const std::string& database = "demo")
      : connection(PQconnectdb(
            fmt::format("host=127.0.0.1 port={} user={} password={} dbname={} sslmode=disable",
                        server().port(), credential.username, credential.password.reveal(),
                        database)
                .c_str())) {}
  ~Client() { PQfinish(connection); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  bool connected() const { return PQstatus(connection) == CONNECTION_OK; }
  std::string ask(const char* sql) {
    PGresult* result = PQexec(connection, sql);
    std::string out = PQresultStatus(result) == PGRES_TUPLES_OK    ? PQgetvalue(result, 0, 0)
                      : PQresultStatus(result) == PGRES_COMMAND_OK ? "ok"
                                                                   : PQresultErrorMessage(result);
    PQclear(result);
    return out;
  }
  PGconn* connection;
};

std::string count_roles(const std::string& name) {
  return server().sql(fmt::format("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", name));
}

}  // namespace

TEST_CASE("scram verifier: PostgreSQL's own form") {
  // Salt and iterations chosen, the rest computed with RFC 5803's formulas in Python's hashlib.
  const std::string verifier = postgres::scram_verifier(SecretText(std::string("pencil")),
                                                        as_bytes("0123456789abcdef"), 4096);
  CHECK(verifier ==
        "SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$nQpbZ77WudtqufPwikHXGRt6g2QJ4zns8bZLw273DRM=:"
        "jn2amWP1q1h+jgjy0YTO14S6/F02SV7taipOeB7ef20=");
}

TEST_CASE("postgres role: it can log in, is the mapped role, and has no attribute of its own") {
  RoleFixture f;
  const auto credential = f.issue("hoop_attributes");
  CHECK(credential.password.reveal().size() == 43);
  CHECK(server().sql(
            "SELECT rolcanlogin, rolinherit, rolsuper, rolcreatedb, rolcreaterole, rolreplication, "
            "rolbypassrls FROM pg_roles WHERE rolname = 'hoop_attributes'") == "t|f|f|f|f|f|f");
  CHECK(server().sql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = "
                     "'hoop_attributes'") == "t");
  CHECK(server().sql("SELECT rolvaliduntil BETWEEN now() + '4 min' AND now() + '6 min' FROM "
                     "pg_roles WHERE rolname = 'hoop_attributes'") == "t");
  CHECK(server().sql("SELECT string_agg(g.rolname, ',' ORDER BY 1) FROM pg_auth_members m JOIN "
                     "pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member "
                     "WHERE r.rolname = 'hoop_attributes'") == "app_read,hoop_gw_test1");
  Client client(credential);
  REQUIRE(client.connected());
  CHECK(client.ask("SELECT current_user || ' ' || session_user") == "app_read hoop_attributes");
  CHECK(client.ask("SELECT count(*) FROM t") == "0");
  CHECK(client.ask("CREATE TABLE made_by_session(x int)") == "ok");
  CHECK(server().sql("SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_session'",
                     "demo") == "app_read");
  CHECK(f.issuer.revoke("hoop_attributes"));
}

TEST_CASE(
    "postgres role: a mapped role with dangerous rights is refused, however it comes by them") {
  RoleFixture f;
  server().sql(
      "CREATE ROLE m_super SUPERUSER; CREATE ROLE m_rls BYPASSRLS; CREATE ROLE m_repl REPLICATION; "
      "CREATE ROLE m_create CREATEROLE;"
      "CREATE ROLE m_files; GRANT pg_read_server_files TO m_files; CREATE ROLE m_exec; GRANT "
      "pg_execute_server_program TO m_exec;"
      "CREATE ROLE m_write; GRANT pg_write_server_files TO m_write; CREATE ROLE m_far; CREATE ROLE "
      "m_middle NOINHERIT; GRANT m_super TO m_middle; GRANT m_middle TO m_far;"
      "CREATE ROLE hoop_somebody; CREATE ROLE m_hoop; GRANT hoop_somebody TO m_hoop");
  const auto [mapped, why] =
      GENERATE(table<std::string, std::string>({{"m_super", "SUPERUSER"},
                                                {"m_rls", "BYPASSRLS"},
                                                {"m_repl", "REPLICATION"},
                                                {"m_create", "CREATEROLE"},
                                                {"m_files", "pg_read_server_files"},
                                                {"m_exec", "pg_execute_server_program"},
                                                {"m_write", "pg_write_server_files"},
                                                {"m_far", "SUPERUSER"},
                                                {"m_hoop", "a role of hoopctl"},
                                                {"hoop_admin", "CREATEROLE"}}));
  auto refused = f.issuer.issue(f.authorization(mapped), "hoop_refused");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::denied);
  CHECK_THAT(refused.error().message, Catch::Matchers::ContainsSubstring(why));
  CHECK(count_roles("hoop_refused") == "0");
  server().sql(
      "DROP ROLE m_super, m_rls, m_repl, m_create, m_files, m_exec, m_write, m_far, m_middle, "
      "hoop_somebody, m_hoop");
}

TEST_CASE("postgres role: a missing mapped role and an empty one are configuration errors") {
  RoleFixture f;
  CHECK(f.issuer.issue(f.authorization("nobody_there"), "hoop_x").error().code ==
        ErrorCode::config);
  CHECK(f.issuer.issue(f.authorization(""), "hoop_x").error().code == ErrorCode::config);
  CHECK(f.issuer.issue(f.authorization("bad\"; DROP ROLE app_read; --"), "hoop_x").error().code ==
        ErrorCode::config);
  CHECK(count_roles("app_read") == "1");
}

TEST_CASE("postgres role: revoking ends live backends at once and lets nobody in again") {
  RoleFixture f;
  const auto credential = f.issue("hoop_live");
  Client first(credential), second(credential);
  REQUIRE(first.connected());
  REQUIRE(second.connected());
  std::thread busy([&] { second.ask("SELECT pg_sleep(60)"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto begun = std::chrono::steady_clock::now();
  auto revoked = f.issuer.revoke("hoop_live");
  INFO((revoked ? "" : revoked.error().message + " / " + revoked.error().remote));
  CHECK(revoked);
  busy.join();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  first.ask("SELECT 1");
  CHECK_FALSE(first.connected());
  CHECK_FALSE(Client(credential).connected());
  CHECK(count_roles("hoop_live") == "0");
  CHECK(f.issuer.revoke("hoop_live"));  // idempotent
}

TEST_CASE("postgres role: what hangs on the role in any database is given away or dropped") {
  RoleFixture f;
  f.issue("hoop_owner");
  // A session may get there by RESET ROLE tricks or a DBA's help; the role must go all the same.
  server().sql(
      "CREATE TABLE owned(x int); ALTER TABLE owned OWNER TO hoop_owner; SET ROLE app_read; CREATE "
      "TABLE granted(x int); GRANT SELECT ON granted TO hoop_owner",
      "demo");
  server().sql("CREATE TABLE owned2(x int); ALTER TABLE owned2 OWNER TO hoop_owner", "other");
  auto revoked = f.issuer.revoke("hoop_owner");
  INFO((revoked ? "" : revoked.error().message + " / " + revoked.error().remote));
  REQUIRE(revoked);
  CHECK(count_roles("hoop_owner") == "0");
  CHECK(server().sql("SELECT tableowner FROM pg_tables WHERE tablename = 'owned'", "demo") ==
        "app_read");
  CHECK(server().sql("SELECT tableowner FROM pg_tables WHERE tablename = 'owned2'", "other") ==
        "app_read");
}

TEST_CASE(
    "postgres role: what only a superuser can take back keeps the role, but nobody can use it") {
  RoleFixture f;
  const auto credential = f.issue("hoop_stuck");
  server().sql("GRANT CREATE ON DATABASE other TO hoop_stuck");
  auto revoked = f.issuer.revoke("hoop_stuck");
  REQUIRE_FALSE(revoked);
  CHECK_THAT(revoked.error().hint, Catch::Matchers::ContainsSubstring("DROP OWNED"));
  CHECK_FALSE(Client(credential).connected());
  server().sql("DROP OWNED BY hoop_stuck", "other");
  CHECK(f.issuer.revoke("hoop_stuck"));
  CHECK(count_roles("hoop_stuck") == "0");
}

TEST_CASE("postgres role: it is good for longer when it is renewed") {
  RoleFixture f;
  const auto until = [] {
    return server().sql(
        "SELECT round(extract(epoch FROM rolvaliduntil - now()) / 60) FROM pg_roles WHERE rolname "
        "= "
        "'hoop_renewed'");
  };
  const auto credential = f.issue("hoop_renewed");
  CHECK(until() == "5");
  REQUIRE(f.issuer.extend(f.authorization("app_read", std::chrono::minutes(20)), "hoop_renewed"));
  CHECK(until() == "20");
  CHECK(Client(credential).connected());
  // What must not be handed out is not renewed either.
  server().sql("ALTER ROLE app_read BYPASSRLS");
  CHECK(f.issuer.extend(f.authorization("app_read"), "hoop_renewed").error().code ==
        ErrorCode::denied);
  server().sql("ALTER ROLE app_read NOBYPASSRLS");
  CHECK(f.issuer.extend(f.authorization("app_read"), "hoop_none").error().code ==
        ErrorCode::not_found);
  server().sql("CREATE ROLE hoop_foreign LOGIN");
  CHECK(f.issuer.extend(f.authorization("app_read"), "hoop_foreign").error().code ==
        ErrorCode::not_found);
  REQUIRE(f.issuer.revoke("hoop_renewed"));
  CHECK(f.issuer.extend(f.authorization("app_read"), "hoop_renewed").error().code ==
        ErrorCode::not_found);
}

TEST_CASE("postgres role: without pg_signal_backend the backends are ended by membership") {
  RoleFixture f;
  server().sql(
      "CREATE ROLE plain_admin LOGIN CREATEROLE PASSWORD 'admin password'; GRANT app_read TO "
      "plain_admin WITH ADMIN OPTION");
  f.admin = "plain_admin";
  const auto credential = f.issue("hoop_plain");
  Client client(credential);
  REQUIRE(client.connected());
  auto revoked = f.issuer.revoke("hoop_plain");
  INFO((revoked ? "" : revoked.error().message + " / " + revoked.error().remote));
  CHECK(revoked);
  CHECK(count_roles("hoop_plain") == "0");
}

TEST_CASE("postgres role: only roles of its own marker group are listed and revoked") {
  RoleFixture ours, theirs;
  theirs.issuer.~PostgresRoleIssuer();
  new (&theirs.issuer) PostgresRoleIssuer(
      "gw_test2", "postgres", [&](const std::string& database) { return theirs.login(database); },
      theirs.clock, theirs.random);
  ours.issue("hoop_ours");
  theirs.issue("hoop_theirs");
  server().sql("CREATE ROLE hoop_nobodys");
  server().sql("ALTER ROLE hoop_ours VALID UNTIL '2001-01-01'");
  const auto listed = ours.issuer.list();
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->at(0).name == "hoop_ours");
  CHECK(listed->at(0).expired);
  for (const std::string name :
       {"hoop_theirs", "hoop_nobodys", "hoop_gw_test2", "app_read", "postgres"}) {
    INFO(name);
    auto refused = ours.issuer.revoke(name);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::integrity);
    CHECK(count_roles(name) == "1");
  }
  CHECK(ours.issuer.revoke("hoop_ours"));
  CHECK(theirs.issuer.revoke("hoop_theirs"));
  server().sql("DROP ROLE hoop_nobodys");
}

TEST_CASE("postgres role: a cached connection that died is replaced without an error") {
  RoleFixture f;
  f.issue("hoop_first");
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hoop_admin'");
  f.issue("hoop_second");
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hoop_admin'");
  CHECK(f.issuer.revoke("hoop_first"));
  CHECK(f.issuer.revoke("hoop_second"));
}

TEST_CASE("postgres role: issuer connections start with a fixed search path") {
  RoleFixture f;
  auto login = f.login("demo");
  auto connection = PgConnection::open(*login);
  REQUIRE(connection);
  auto rows = connection->query(
      "SELECT current_setting('search_path'), current_setting('statement_timeout')", {});
  REQUIRE(rows);
  CHECK(rows->at(0)[0].value_or("") == "pg_catalog,pg_temp");
  CHECK(rows->at(0)[1].value_or("") == "10s");
}

TEST_CASE("postgres role: what the server said is kept apart from what we say") {
  RoleFixture f;
  auto login = f.login("demo");
  login->password = SecretText(std::string("wrong"));
  auto refused = PgConnection::open(*login);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::upstream_refused);
  CHECK_THAT(refused.error().message,
             Catch::Matchers::ContainsSubstring("password was not accepted"));
  CHECK(refused.error().message.find("FATAL") == std::string::npos);
  CHECK_THAT(refused.error().remote, Catch::Matchers::ContainsSubstring("FATAL"));
  login->port = 1;
  CHECK(PgConnection::open(*login).error().code == ErrorCode::upstream_unreachable);
}
