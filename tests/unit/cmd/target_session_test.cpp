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

}  // namespace hoop::cmd
