// SPDX-License-Identifier: Apache-2.0
// Grants for HTTP services, from the gateway's configuration to what a client receives.
#include "tests/unit/gateway/gateway_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

namespace {

void add_services(Gateway& gateway) {
  write_private(gateway.directory + "/keys/billing", "planted-key\n");
  const auto service = [](const std::string& name, const std::string& more) {
    return "[[target]]\nname = \"" + name +
           "\"\nprotocol = \"http\"\nurl = \"https://billing.internal:18443/api\"\n"
           "url_variable = \"BILLING_URL\"\n" +
           more;
  };
  const std::string key =
      "credential = { header = \"X-Api-Key\", value = \"file:keys/billing\" }\n";
  write_private(gateway.directory + "/conf.d/http.toml",
                service("http-far", key) +
                    service("http-near", key + "path = \"local\"\nhand_out = true\n") +
                    service("http-open", "") +
                    "[[role]]\nname = \"web\"\nmembers = [\"group:dev\"]\ntargets = "
                    "[\"http-*\"]\nrenew_for = \"1h\"\nmax_ttl = \"10m\"\n");
}

}  // namespace

TEST_CASE("http grants: a key stays at the gateway, or goes where it may") {
  Gateway g("30m", add_services);
  const std::string alice = g.token("alice", {"dev"});
  const auto key = crypto::Ed25519Key::generate();
  const auto grant = [&](const std::string& target) {
    auto answer = g.post("/v1/grants", alice, grant_body(key, target));
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return answer.body;
  };
  const std::string far = grant("http-far");
  for (const char* hidden : {"planted", "X-Api-Key", "billing.internal", "18443"})
    CHECK(far.find(hidden) == std::string::npos);
  const auto part = access::grant_from_json(far);
  REQUIRE(part);
  CHECK(part->path == access::DataPath::gateway);
  CHECK(part->target.base_path == "/api");
  CHECK(part->target.url_variable == "BILLING_URL");
  CHECK(part->renewable);

  const auto near = access::grant_from_json(grant("http-near"));
  REQUIRE(near);
  CHECK(near->path == access::DataPath::local);
  CHECK(near->target.host == "billing.internal");
  const auto* lent = near->credential_as<access::HttpCredential>();
  REQUIRE(lent != nullptr);
  REQUIRE(lent->headers.size() == 1);
  CHECK(lent->headers[0].name == "X-Api-Key");
  CHECK(lent->headers[0].value.reveal() == "planted-key");

  const auto open = access::grant_from_json(grant("http-open"));
  REQUIRE(open);
  REQUIRE(open->credential_as<access::HttpCredential>() != nullptr);
  CHECK(open->credential_as<access::HttpCredential>()->headers.empty());
  CHECK(g.ask({"DELETE", "/v1/grants/" + near->session, alice, "", {}}).status == 204);
}

TEST_CASE("http grants: a key that cannot be read opens nothing") {
  Gateway g("30m", [](Gateway& gateway) {
    add_services(gateway);
    write_private(gateway.directory + "/keys/billing", "planted\tkey\n");
  });
  const auto key = crypto::Ed25519Key::generate();
  const auto answer = g.post("/v1/grants", g.token("alice", {"dev"}), grant_body(key, "http-far"));
  CHECK(answer.status == 503);
  CHECK(code_of(answer) == "issuer_failed");
  CHECK(answer.body.find("planted") == std::string::npos);
}
