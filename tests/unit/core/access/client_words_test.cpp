// SPDX-License-Identifier: Apache-2.0
#include "core/access/client_words.h"

#include "tests/support/catch.h"

namespace hoop::access {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("what the words after connect's -- mean") {
  CHECK(connect_words("postgres", "pg", {}) == Words{"psql"});
  CHECK(connect_words("postgres", "pg", {"-c", "select 1"}) == Words{"psql", "-c", "select 1"});
  CHECK(connect_words("postgres", "pg", {"pg_dump", "-t", "orders"}) ==
        Words{"pg_dump", "-t", "orders"});
  CHECK(connect_words("ssh", "web-1", {}) == Words{"ssh", "web-1"});
  CHECK(connect_words("ssh", "web-1", {"uptime"}) == Words{"ssh", "web-1", "uptime"});
  CHECK(connect_words("ssh", "web-1", {"-t", "top"}) == Words{"ssh", "web-1", "-t", "top"});
  CHECK(connect_words("http", "api", {}) == Words{"sh"});
  CHECK(connect_words("http", "api", {"sh", "-c", "true"}) == Words{"sh", "-c", "true"});
  CHECK(connect_words("kubernetes", "k8s", {}) == Words{"sh"});
  CHECK(connect_words("kubernetes", "k8s", {"-n", "shop", "get", "pods"}) ==
        Words{"kubectl", "-n", "shop", "get", "pods"});
  CHECK(connect_words("kubernetes", "k8s", {"helm", "list"}) == Words{"helm", "list"});
  CHECK(connect_words("http", "api", {"-s"}) == Words{"-s"});  // whatever it is, it has a record
}

TEST_CASE("a service has no client whose arguments the words could be") {
  CHECK(check_connect_words("postgres", "pg", {"-c", "select 1"}));
  CHECK(check_connect_words("ssh", "web-1", {"-t", "top"}));
  CHECK(check_connect_words("http", "api", {}));
  CHECK(check_connect_words("http", "api", {"curl", "-s"}));
  CHECK(check_connect_words("kubernetes", "k8s", {"-n", "shop", "get", "pods"}));
  const auto refused = check_connect_words("http", "api", {"-s", "/invoices"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::usage);
  CHECK_THAT(refused.error().hint, Catch::Matchers::StartsWith("hoopctl connect api -- "));
}

}  // namespace
}  // namespace hoop::access
