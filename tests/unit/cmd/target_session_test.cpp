// SPDX-License-Identifier: Apache-2.0
#include "cmd/target_session.h"

#include "tests/support/catch.h"

namespace hoop::cmd {

TEST_CASE("a grant's names stand in ssh's configuration: none of them is more than a name") {
  access::Grant grant;
  grant.target.name = "web-1";
  grant.logins = {"deploy", "www-data"};
  CHECK(check_grant(grant, "web-1"));
  CHECK(check_grant(grant, "web-2").error().code == ErrorCode::malformed);
  for (const char* login : {"", "-oProxyCommand=x", "a b", "a\n  ProxyCommand x", "%h", "a'b"}) {
    INFO(login);
    grant.logins = {"deploy", login};
    CHECK_FALSE(check_grant(grant, "web-1"));
  }
}

TEST_CASE("a grant for a service is not taken where it would change how programs run") {
  access::Grant grant;
  grant.target.name = "billing-api";
  grant.target.protocol = "http";
  grant.target.url_variable = "BILLING_URL";
  grant.target.base_path = "/api";
  CHECK(check_grant(grant, "billing-api"));
  grant.target.url_variable = "LD_PRELOAD";
  CHECK(check_grant(grant, "billing-api").error().code == ErrorCode::config);
  grant.target.protocol = "kubernetes";
  grant.target.url_variable = {};
  CHECK(check_grant(grant, "billing-api"));
  grant.target.base_path = "/a\"\n  insecure-skip-tls-verify: true";
  CHECK(check_grant(grant, "billing-api").error().code == ErrorCode::config);
  // Nobody is told of it.
  grant.target.protocol = "postgres";
  CHECK(check_grant(grant, "billing-api"));
}

}  // namespace hoop::cmd
