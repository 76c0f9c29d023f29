// SPDX-License-Identifier: Apache-2.0
// How many live sessions one person may have.
#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

TEST_CASE(
    "session limit: one more than a person may have is refused, on either path, until one ends") {
  Gateway g("30m", [](Gateway& before) {
    write_private(before.directory + "/conf.d/limit.toml",
                  "[gateway]\nsessions_per_identity = 2\n");
  });
  const std::string alice = g.token("alice", {"dev"}), bob = g.token("bob", {"dev"});
  const auto key = crypto::Ed25519Key::generate();
  const auto ask = [&](const std::string& token, const std::string& target) {
    return g.post("/v1/grants", token, grant_body(key, target));
  };
  const auto local = ask(alice, "pg-a");
  REQUIRE(local.status == 201);
  FarSession far(g);
  for (const char* target : {"pg-a", "pg-far"}) {
    const auto refused = ask(alice, target);
    CHECK(refused.status == 429);
    CHECK(code_of(refused) == "too_many_sessions");
    CHECK_THAT(refused.body, ContainsSubstring("2 of at most 2 sessions are live"));
  }
  CHECK(ask(bob, "pg-a").status == 201);
  // What is refused for another reason is no session.
  CHECK(ask(bob, "pg-down").status == 503);
  CHECK(ask(bob, "pg-a").status == 201);
  CHECK(ask(bob, "pg-a").status == 429);

  CHECK(far.end().status == 200);
  const auto again = ask(alice, "pg-far");
  CHECK(again.status == 201);
  CHECK(ask(alice, "pg-far").status == 429);
  const std::string session = Json::parse(local.body)["session"];
  CHECK(g.ask({"DELETE", "/v1/grants/" + session, alice, "", {}}).status == 204);
  CHECK(ask(alice, "pg-a").status == 201);
  g.stop();
}
