// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/kubernetes_impersonation.h"

#include "core/access/policy.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

access::Authorization opens_cluster(access::Identity identity, access::DataPath path,
                                    SystemTime now) {
  access::Role role;
  role.name = "developers";
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = std::chrono::minutes(5);
  access::PolicyDocument policy;
  policy.roles = {role};
  access::Target target;
  target.name = "k8s-prod";
  target.protocol = "kubernetes";
  target.path = path;
  return std::move(
      *access::PolicyEngine(policy).authorize(identity, target, std::chrono::seconds(0), now));
}

access::Identity a_person(std::string subject, std::vector<std::string> groups) {
  access::Identity out;
  out.subject = std::move(subject);
  out.groups = std::move(groups);
  return out;
}

struct Impersonated {
  test::FakeClock clock;
  KubernetesImpersonator issuer{
      {{SecretPlace::bearer, "", "env:T"}},
      "hoopctl:",
      [](const std::string&) -> Result<SecretText> { return SecretText("tok.en-1"); }};

  Result<access::Credential> issue(const access::Identity& who,
                                   access::DataPath path = access::DataPath::gateway) {
    const auto allowed = opens_cluster(who, path, clock.system_now());
    return issuer.issue(allowed, issuer.name_for("s_1"));
  }
  /// "Name: value", each.
  std::vector<std::string> fields(const access::Identity& who) {
    const auto credential = issue(who);
    REQUIRE(credential);
    std::vector<std::string> out;
    for (const auto& field : std::get<access::HttpCredential>(*credential).headers)
      out.push_back(field.name + ": " + field.value.reveal());
    return out;
  }
};

using Fields = std::vector<std::string>;

}  // namespace

TEST_CASE("impersonation: the person, each group and the session, behind the prefix") {
  Impersonated f;
  CHECK(f.fields(a_person("alice@corp", {"developers", "on call"})) ==
        Fields{"Authorization: Bearer tok.en-1", "Impersonate-User: hoopctl:alice@corp",
               "Impersonate-Group: hoopctl:developers", "Impersonate-Group: hoopctl:on call",
               "Impersonate-Extra-hoopctl-session: s_1"});
  const auto credential = f.issue(a_person("zo\xc3\xab", {}));
  REQUIRE(credential);
  CHECK(std::get<access::HttpCredential>(*credential).expires_at ==
        f.clock.system_now() + std::chrono::minutes(5));
}

TEST_CASE("impersonation: nobody becomes one of the cluster's own") {
  Impersonated f;
  for (const std::string& field : f.fields(a_person("system:admin", {"system:masters"}))) {
    INFO(field);
    CHECK(field.find(": system:") == std::string::npos);
  }
}

TEST_CASE("impersonation: what a header cannot hold is denied, and is no second header") {
  Impersonated f;
  for (const char* name :
       {"a\r\nImpersonate-Group: system:masters", "a\n", "a ", "a\x01", "a\xff"}) {
    INFO(name);
    for (const auto& who : {a_person(name, {}), a_person("alice", {name})}) {
      const auto refused = f.issue(who);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == ErrorCode::denied);
      CHECK(refused.error().message.find('\n') == std::string::npos);
    }
  }
  CHECK_FALSE(f.issue(a_person(std::string(2000, 'x'), {})));
}

TEST_CASE("impersonation: no more groups than a request has room for") {
  Impersonated f;
  CHECK(f.issue(a_person("alice", std::vector<std::string>(32, "g"))));
  const auto refused = f.issue(a_person("alice", std::vector<std::string>(33, "g")));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::denied);
  CHECK_THAT(refused.error().message, Catch::Matchers::ContainsSubstring("33 groups"));
}

TEST_CASE("impersonation: who could speak for anybody does not leave the gateway") {
  Impersonated f;
  const auto kept = f.issue(a_person("alice", {}), access::DataPath::local);
  REQUIRE_FALSE(kept);
  CHECK(kept.error().code == ErrorCode::internal);
  const auto allowed =
      opens_cluster(a_person("alice", {}), access::DataPath::gateway, f.clock.system_now());
  CHECK(f.issuer.can_extend());
  CHECK(f.issuer.extend(allowed, "s_1"));
  CHECK(f.issuer.revoke("s_1"));
  CHECK(f.issuer.list()->empty());
}
