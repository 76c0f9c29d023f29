// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/postgres_login.h"

#include <memory>

#include <fmt/format.h>

#include "core/access/policy.h"
#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/postgres_server.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

test::PostgresServer& login_server() {
  static const std::unique_ptr<test::PostgresServer> one = [] {
    auto made = std::make_unique<test::PostgresServer>();
    made->sql("CREATE ROLE app_read NOLOGIN; CREATE ROLE app_write NOLOGIN");
    made->sql("CREATE ROLE reader LOGIN PASSWORD 'reader password'; GRANT app_read TO reader");
    made->sql("CREATE ROLE plain LOGIN PASSWORD 'reader password'");
    made->sql("CREATE ROLE sneaky LOGIN PASSWORD 'reader password'");
    made->sql("CREATE ROLE between NOLOGIN; CREATE ROLE maker NOLOGIN CREATEROLE");
    made->sql("GRANT between TO sneaky; GRANT maker TO between");
    return made;
  }();
  return *one;
}

struct LoginFixture {
  explicit LoginFixture(std::string user, std::string password = "reader password")
      : issuer(user, "postgres", [user, password](const std::string& database) -> Result<PgLogin> {
          PgLogin out;
          out.host = login_server().host();
          out.port = login_server().port();
          out.tls = access::TlsMode::disable;
          out.user = user;
          out.password = SecretText(std::string(password));
          out.database = database;
          return out;
        }) {}

  Result<access::PostgresCredential> issue(
      const std::string& mapped, access::DataPath path = access::DataPath::gateway) const {
    access::PolicyDocument policy;
    access::Role role;
    role.name = "r";
    role.members = {"*"};
    role.targets = {"*"};
    role.database_role = mapped;
    policy.roles = {role};
    access::Identity identity;
    identity.subject = "alice";
    access::Target target;
    target.name = "pg";
    target.path = path;
    const auto authorization = access::PolicyEngine(policy).authorize(
        identity, target, std::chrono::minutes(5), SystemClock().system_now());
    REQUIRE(authorization);
    auto issued = issuer.issue(*authorization, issuer.name_for("s_1"));
    if (!issued) return std::unexpected(std::move(issued).error());
    return std::get<access::PostgresCredential>(std::move(*issued));
  }
  Error refused(const std::string& mapped) const {
    auto credential = issue(mapped);
    REQUIRE_FALSE(credential);
    return credential.error();
  }

  mutable PostgresLoginIssuer issuer;
};

}  // namespace

TEST_CASE("postgres login: sessions share it, and nothing is made at the server") {
  LoginFixture f("reader");
  const std::string before = login_server().sql("SELECT count(*) FROM pg_roles");
  const auto credential = f.issue("app_read");
  INFO((credential ? "" : credential.error().message));
  REQUIRE(credential);
  CHECK(credential->username == "reader");
  CHECK(credential->password.reveal() == "reader password");
  CHECK(credential->shared);
  CHECK(f.issuer.name_for("s_1") == "login:reader");
  CHECK(f.issuer.list()->empty());
  CHECK(f.issuer.revoke("login:reader"));
  CHECK(login_server().sql("SELECT count(*) FROM pg_roles") == before);
  CHECK(f.issue(""));
}

TEST_CASE("postgres login: it does not leave the gateway") {
  LoginFixture f("reader");
  const auto credential = f.issue("app_read", access::DataPath::local);
  REQUIRE_FALSE(credential);
  CHECK(credential.error().code == ErrorCode::internal);
}

TEST_CASE("postgres login: what it may become decides, however far away") {
  const Error far = LoginFixture("sneaky").refused("");
  CHECK(far.code == ErrorCode::denied);
  CHECK_THAT(far.message, Catch::Matchers::ContainsSubstring("CREATEROLE"));
  const Error missing = LoginFixture("reader").refused("app_none");
  CHECK(missing.code == ErrorCode::config);
  CHECK_THAT(missing.message, Catch::Matchers::ContainsSubstring("does not exist"));
  const Error foreign = LoginFixture("reader").refused("app_write");
  CHECK(foreign.code == ErrorCode::config);
  CHECK_THAT(foreign.hint, Catch::Matchers::ContainsSubstring("GRANT app_write TO reader"));
  login_server().sql("ALTER ROLE plain SUPERUSER");
  CHECK_THAT(LoginFixture("plain").refused("").message,
             Catch::Matchers::ContainsSubstring("SUPERUSER"));
  login_server().sql("ALTER ROLE plain NOSUPERUSER");
  CHECK(LoginFixture("plain").issue(""));
}

TEST_CASE("postgres login: a password that is not the right one") {
  const Error error = LoginFixture("reader", "another").refused("");
  CHECK(error.code == ErrorCode::upstream_refused);
}
