// SPDX-License-Identifier: Apache-2.0
#include "gateway/kubernetes_target_check.h"

#include <sys/stat.h>

#include <fstream>

#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/gateway/scripted_api_server.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

struct CheckedCluster {
  CheckedCluster() {
    config.id = "gw_a1";
    config.layout.directory = dir.path();
    write_token(server.gateway_token);
    target.target = server.target();
    target.lends = Lends::shared_secret;
    target.secrets = {{SecretPlace::bearer, "", "file:token"}};
  }
  void write_token(const std::string& token) {
    std::ofstream(dir / "token") << token << "\n";
    ::chmod((dir / "token").c_str(), 0600);
  }
  void lend_tokens() {
    target.lends = Lends::session_token;
    target.service_account = ServiceAccount{"hoopctl", "dev"};
  }
  void impersonate() {
    target.lends = Lends::impersonation;
    target.impersonate_prefix = "hoopctl:";
    target.target.path = access::DataPath::gateway;
  }

  /// "step: words", each.
  std::vector<std::string> check() {
    std::vector<std::string> told;
    server.run([&] {
      check_target(config, target, clock, random,
                   [&](std::string_view step, const Result<std::string>& found) {
                     told.push_back(std::string(step) + ": " +
                                    (found ? *found : "! " + found.error().message));
                   });
    });
    return told;
  }

  test::TempDir dir;
  ScriptedApiServer server;
  GatewayConfig config;
  ConfiguredTarget target;
  SystemClock clock;
  crypto::SystemRandom random;
};

using Findings = std::vector<std::string>;

}  // namespace

TEST_CASE("kubernetes check: the secret, the certificate and the answer") {
  CheckedCluster cluster;
  const std::string port = std::to_string(cluster.target.target.port);
  CHECK(cluster.check() ==
        Findings{"secret: the credential's secrets are there",
                 "connection: https://127.0.0.1:" + port + " shows a certificate that is trusted",
                 "answer: Kubernetes v1.34.4 takes the credential for 'gateway'"});
  CheckedCluster old;
  old.server.knows_reviews = false;
  CHECK(old.check().back() == "answer: Kubernetes v1.34.4 takes the credential");
}

TEST_CASE("kubernetes check: a credential that is refused is a finding, and is not told") {
  CheckedCluster refused;
  refused.write_token("hunter2");
  const Findings told = refused.check();
  REQUIRE(told.size() == 3);
  CHECK(told[2].starts_with("answer: ! "));
  CHECK_THAT(told[2], Catch::Matchers::ContainsSubstring("(401)"));
  for (const std::string& line : told) CHECK(line.find("hunter2") == std::string::npos);
  CheckedCluster missing;
  missing.target.secrets.clear();
  const Findings bare = missing.check();
  CHECK(bare.front() == "secret: none is configured");
  CHECK(bare.back() == "answer: ! the API server wants a credential (401)");
  CheckedCluster other;
  other.server.answers_odd = true;
  CHECK(other.check().back() == "answer: ! what answers is no API server");
}

TEST_CASE("kubernetes check: a token is made, used and revoked") {
  CheckedCluster cluster;
  cluster.lend_tokens();
  CHECK(cluster.check().back() ==
        "token: a token of 'hoopctl/dev' was made, taken for 'system:serviceaccount:hoopctl:dev' "
        "and revoked");
  CHECK(cluster.server.secrets.empty());
  for (const char* act : {"POST secrets", "GET secrets", "POST token"}) {
    INFO(act);
    CheckedCluster refused;
    refused.lend_tokens();
    refused.server.refusals[act] = 403;
    CHECK_THAT(refused.check().back(), Catch::Matchers::StartsWith("token: ! ") &&
                                           Catch::Matchers::ContainsSubstring("may not (403)"));
    CHECK(refused.server.secrets.empty());
  }
}

TEST_CASE("kubernetes check: whether it may speak for others") {
  CheckedCluster cluster;
  cluster.impersonate();
  CHECK(cluster.check().back() ==
        "impersonation: it may speak for others: one request was taken for "
        "'hoopctl:hoopctl-check'");
}

TEST_CASE("kubernetes check: of a cluster behind an agent only the secret is looked at") {
  CheckedCluster cluster;
  cluster.target.via = Via::agent;
  CHECK(cluster.check() == Findings{"secret: the credential's secrets are there"});
  CHECK(cluster.server.asked.empty());
}
