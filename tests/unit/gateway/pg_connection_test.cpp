// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/pg_connection.h"

#include <fstream>

#include "core/net/tls.h"
#include "tests/support/catch.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

TEST_CASE(
    "pg connection: the server's certificate is checked as the target says, also where it names "
    "another host") {
  test::TempDir dir;
  const auto pki = net::generate_pki("ours", {"db.internal"});
  const auto stranger = net::generate_pki("theirs", {"db.internal"});
  std::ofstream(dir / "ca.pem") << pki.ca_pem;
  std::ofstream(dir / "other.pem") << stranger.ca_pem;
  test::PostgresServer::Options options;
  options.certificate_pem = pki.server_pem;
  options.key_pem = pki.server_key_pem.reveal();
  const test::PostgresServer server(options);
  server.sql("CREATE ROLE hoop_admin LOGIN PASSWORD 'p'");
  const auto open = [&](access::TlsMode mode, const std::string& ca, const std::string& name) {
    PgLogin login;
    login.host = "127.0.0.1";
    login.port = server.port();
    login.server_name = name;
    login.tls = mode;
    login.ca_file = dir / ca;
    login.user = "hoop_admin";
    login.password = SecretText(std::string("p"));
    login.database = "postgres";
    return PgConnection::open(login);
  };
  auto good = open(access::TlsMode::verify_full, "ca.pem", "db.internal");
  INFO((good ? "" : good.error().message + " / " + good.error().remote));
  REQUIRE(good);
  CHECK(good->query("SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()", {})
            ->at(0)[0]
            .value_or("") == "true");
  CHECK(open(access::TlsMode::verify_ca, "ca.pem", ""));
  CHECK(open(access::TlsMode::verify_full, "ca.pem", "").error().code == ErrorCode::integrity);
  CHECK(open(access::TlsMode::verify_full, "ca.pem", "db.elsewhere").error().code ==
        ErrorCode::integrity);
  CHECK(open(access::TlsMode::verify_full, "other.pem", "db.internal").error().code ==
        ErrorCode::integrity);
  CHECK(open(access::TlsMode::verify_ca, "other.pem", "").error().code == ErrorCode::integrity);
}
