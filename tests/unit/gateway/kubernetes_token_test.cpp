// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/kubernetes_token.h"

#include "core/access/policy.h"
#include "tests/support/catch.h"
#include "tests/unit/gateway/scripted_api_server.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

constexpr const char* kSession = "s_cjsgj3svsplpf4eygjc5glm6qm";
constexpr const char* kSecretName = "hoopctl-cjsgj3svsplpf4eygjc5glm6qm";

access::Authorization lent_for(std::chrono::seconds life, std::chrono::seconds renewed,
                               SystemTime now) {
  access::Role role;
  role.name = "developers";
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = life;
  role.renew_for = renewed;
  access::PolicyDocument policy;
  policy.roles = {role};
  access::Identity identity;
  identity.subject = "alice@corp";
  access::Target target;
  target.name = "k8s-prod";
  target.protocol = "kubernetes";
  return std::move(
      *access::PolicyEngine(policy).authorize(identity, target, std::chrono::seconds(0), now));
}

struct TokenFixture {
  SystemClock clock;
  ScriptedApiServer server;
  using Renewal = KubernetesTokenIssuer::Renewal;

  KubernetesTokenIssuer issuer(Renewal renewal = Renewal::none, std::string gateway = "gw_a1") {
    return KubernetesTokenIssuer(std::move(gateway), {"hoopctl", "dev"}, renewal, server.server(),
                                 clock);
  }
  Result<access::Credential> issue(KubernetesTokenIssuer& of,
                                   std::chrono::seconds life = std::chrono::minutes(5),
                                   std::chrono::seconds renewed = std::chrono::seconds(0)) {
    return of.issue(lent_for(life, renewed, clock.system_now()), of.name_for(kSession));
  }
  Error failed_issue(std::chrono::seconds life = std::chrono::minutes(5)) {
    Error out;
    server.run([&] {
      auto of = issuer();
      auto refused = issue(of, life);
      if (!refused) out = refused.error();
    });
    return out;
  }
};

}  // namespace

TEST_CASE("kubernetes token: bound to a Secret that is the session's") {
  TokenFixture f;
  f.server.run([&] {
    auto issuer = f.issuer();
    CHECK(issuer.name_for(kSession) == kSecretName);
    const auto credential = f.issue(issuer);
    REQUIRE(credential);
    const auto& lent = std::get<access::HttpCredential>(*credential);
    REQUIRE(lent.headers.size() == 1);
    CHECK(lent.headers[0].name == "Authorization");
    CHECK(lent.headers[0].value.reveal() == "Bearer token-of-uid-1");
    CHECK(lent.query.empty());
  });
  CHECK(f.server.connections == 1);
  REQUIRE(f.server.bodies.size() == 2);
  CHECK(f.server.bodies[0] ==
        nlohmann::json::parse(R"({"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{
          "name":"hoopctl-cjsgj3svsplpf4eygjc5glm6qm",
          "labels":{"app.kubernetes.io/managed-by":"hoopctl","hoopctl/gateway":"gw_a1"},
          "annotations":{"hoopctl/subject":"alice@corp"}}})"));
  CHECK(f.server.bodies[1] ==
        nlohmann::json::parse(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest",
          "spec":{"audiences":[],"expirationSeconds":600,"boundObjectRef":{"kind":"Secret",
          "apiVersion":"v1","name":"hoopctl-cjsgj3svsplpf4eygjc5glm6qm","uid":"uid-1"}}})"));
}

TEST_CASE("kubernetes token: as long as the session, and where it stays as long as its renewals") {
  TokenFixture f;
  f.server.run([&] {
    auto none = f.issuer();
    CHECK_FALSE(none.can_extend());
    REQUIRE(f.issue(none, std::chrono::minutes(30), std::chrono::hours(2)));
    CHECK_FALSE(
        none.extend(lent_for(std::chrono::minutes(5), std::chrono::hours(2), f.clock.system_now()),
                    kSecretName));
    REQUIRE(none.revoke(kSecretName));
    auto longer = f.issuer(TokenFixture::Renewal::by_longer_tokens);
    CHECK(longer.can_extend());
    REQUIRE(f.issue(longer, std::chrono::minutes(30), std::chrono::hours(2)));
    const auto more =
        lent_for(std::chrono::minutes(30), std::chrono::hours(2), f.clock.system_now());
    CHECK(longer.extend(more, kSecretName));
    REQUIRE(longer.revoke(kSecretName));
    const auto gone = longer.extend(more, kSecretName);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == ErrorCode::not_found);
  });
  CHECK(f.server.bodies[1]["spec"]["expirationSeconds"] == 1800);
  CHECK(f.server.bodies[3]["spec"]["expirationSeconds"] == 7200);
}

TEST_CASE("kubernetes token: the Secret goes with the session, once or twice") {
  TokenFixture f;
  f.server.run([&] {
    auto issuer = f.issuer();
    REQUIRE(f.issue(issuer));
    CHECK(f.server.secrets.contains(kSecretName));
    CHECK(issuer.revoke(kSecretName));
    CHECK(f.server.secrets.empty());
    CHECK(issuer.revoke(kSecretName));
    const auto other = issuer.revoke("default-token");
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::integrity);
    f.server.refusals["DELETE " + std::string(kSecretName)] = 503;
    const auto later = issuer.revoke(kSecretName);
    REQUIRE_FALSE(later);
    CHECK(later.error().code == ErrorCode::upstream_unreachable);
  });
}

TEST_CASE("kubernetes token: the reaper is told of this gateway's Secrets, by their names alone") {
  TokenFixture f;
  f.server.page = 2;
  f.server.run([&] {
    auto issuer = f.issuer();
    auto other = f.issuer(TokenFixture::Renewal::none, "gw_b2");
    for (const char* session : {"s_a", "s_b", "s_c", "s_d", "s_e"}) {
      const auto allowed =
          lent_for(std::chrono::minutes(5), std::chrono::seconds(0), f.clock.system_now());
      REQUIRE(issuer.issue(allowed, issuer.name_for(session)));
    }
    const auto allowed =
        lent_for(std::chrono::minutes(5), std::chrono::seconds(0), f.clock.system_now());
    REQUIRE(other.issue(allowed, other.name_for("s_f")));
    // Somebody has put our label on another.
    f.server.secrets["database"] = {"gw_a1", "uid-x", {}};
    const auto found = issuer.list();
    REQUIRE(found);
    std::vector<std::string> names;
    for (const auto& one : *found) names.push_back(one.name);
    CHECK(names == std::vector<std::string>{"hoopctl-a", "hoopctl-b", "hoopctl-c", "hoopctl-d",
                                            "hoopctl-e"});
  });
  CHECK(f.server.accepted == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
}

TEST_CASE("kubernetes token: a refusal leaves no Secret behind, and says what is missing") {
  TokenFixture f;
  f.server.refusals["POST token"] = 403;
  const Error refused = f.failed_issue();
  CHECK(refused.code == ErrorCode::upstream_refused);
  CHECK_THAT(refused.message,
             Catch::Matchers::ContainsSubstring("token of service account 'hoopctl/dev'") &&
                 Catch::Matchers::ContainsSubstring("the gateway may not (403)"));
  CHECK_THAT(refused.hint, Catch::Matchers::ContainsSubstring("hoopctl-gateway(8)"));
  // What a remote says is for the user, and not for the log.
  CHECK(refused.message.find("hunter2") == std::string::npos);
  CHECK(refused.remote == "hunter2 says no");
  CHECK(f.server.secrets.empty());
}

TEST_CASE("kubernetes token: what the answers mean") {
  struct Row {
    const char* act;
    int status;
    ErrorCode code;
  };
  const Row rows[] = {{"POST secrets", 401, ErrorCode::upstream_refused},
                      {"POST secrets", 403, ErrorCode::upstream_refused},
                      {"POST secrets", 404, ErrorCode::config},
                      {"POST secrets", 409, ErrorCode::upstream_refused},
                      {"POST secrets", 429, ErrorCode::upstream_unreachable},
                      {"POST secrets", 500, ErrorCode::upstream_unreachable},
                      {"POST token", 404, ErrorCode::config}};
  for (const Row& row : rows) {
    INFO(row.act << " " << row.status);
    TokenFixture f;
    f.server.refusals[row.act] = row.status;
    CHECK(f.failed_issue().code == row.code);
    CHECK(f.server.secrets.empty());
  }
  TokenFixture odd;
  odd.server.answers_odd = true;
  CHECK(odd.failed_issue().code == ErrorCode::malformed);
}

TEST_CASE("kubernetes token: one that would end before the session is none") {
  TokenFixture f;
  f.server.longest_token = 3600;
  const Error refused = f.failed_issue(std::chrono::hours(8));
  CHECK(refused.code == ErrorCode::config);
  CHECK_THAT(refused.hint, Catch::Matchers::ContainsSubstring("max_ttl"));
  CHECK(f.server.secrets.empty());
}

TEST_CASE("kubernetes token: a server that is not there, or not to be trusted") {
  TokenFixture f;
  f.server.run([&] {
    const auto with = [&](auto change) {
      return [&, change]() -> Result<ApiServer> {
        HOOP_TRY(ApiServer out, f.server.server()());
        change(out.target);
        return out;
      };
    };
    KubernetesTokenIssuer lost("gw_a1", {"hoopctl", "dev"}, TokenFixture::Renewal::none,
                               with([](access::Target& of) { of.port = 1; }), f.clock);
    const auto unreachable = lost.list();
    REQUIRE_FALSE(unreachable);
    CHECK(unreachable.error().code == ErrorCode::upstream_unreachable);
    KubernetesTokenIssuer other("gw_a1", {"hoopctl", "dev"}, TokenFixture::Renewal::none,
                                with([](access::Target& of) { of.tls_server_name = "elsewhere"; }),
                                f.clock);
    const auto untrusted = other.list();
    REQUIRE_FALSE(untrusted);
    CHECK(untrusted.error().code == ErrorCode::integrity);
    // Through an agent the host is a name alone: what is dialled is a port of this machine.
    KubernetesTokenIssuer led(
        "gw_a1", {"hoopctl", "dev"}, TokenFixture::Renewal::none,
        [&]() -> Result<ApiServer> {
          HOOP_TRY(ApiServer out, f.server.server()());
          out.by_port = out.target.port;
          out.target.host = "api.cluster.internal";
          out.target.port = 6443;
          return out;
        },
        f.clock);
    CHECK(led.list());
  });
  CHECK(f.server.asked.size() == 1);
}
