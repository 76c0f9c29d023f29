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
}

}  // namespace
}  // namespace hoop::access
