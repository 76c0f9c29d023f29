// SPDX-License-Identifier: Apache-2.0
// What sessions with HTTP services are let in by.
#include "gateway/issuers/http_secret.h"

#include <map>

#include "core/access/policy.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

access::Authorization may_open(access::DataPath path, SystemTime now) {
  access::Role role;
  role.name = "developers";
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = std::chrono::minutes(5);
  access::PolicyDocument policy;
  policy.roles = {role};
  access::Identity identity;
  identity.subject = "alice";
  access::Target target;
  target.name = "billing-api";
  target.protocol = "http";
  target.path = path;
  return std::move(
      *access::PolicyEngine(policy).authorize(identity, target, std::chrono::seconds(0), now));
}

struct SecretsFixture {
  test::FakeClock clock;
  std::map<std::string, std::string> secrets{
      {"env:KEY", "key-1"}, {"env:TOKEN", "tok.en-1"}, {"env:PASSWORD", "pass: word"}};

  ReadSecret reader() {
    return [this](const std::string& reference) -> Result<SecretText> {
      const auto found = secrets.find(reference);
      if (found == secrets.end()) return fail(ErrorCode::config, "it is not set");
      return SecretText(found->second);
    };
  }
  Result<access::Credential> issue(std::vector<ConfiguredSecret> of,
                                   HandOut hand_out = HandOut::never,
                                   access::DataPath path = access::DataPath::gateway) {
    HttpSecretIssuer issuer("billing-api", std::move(of), hand_out, reader());
    const auto allowed = may_open(path, clock.system_now());
    return issuer.issue(allowed, issuer.name_for("s_1"));
  }
};

const std::vector<ConfiguredSecret> kKey{{SecretPlace::header, "X-Api-Key", "env:KEY"}};

}  // namespace

TEST_CASE("http issuer: each secret stands where requests carry it") {
  SecretsFixture f;
  const auto credential = f.issue({{SecretPlace::header, "X-Api-Key", "env:KEY"},
                                   {SecretPlace::bearer, "", "env:TOKEN"},
                                   {SecretPlace::parameter, "api_key", "env:KEY"}});
  REQUIRE(credential);
  const auto& lent = std::get<access::HttpCredential>(*credential);
  REQUIRE(lent.headers.size() == 2);
  CHECK(lent.headers[0].name == "X-Api-Key");
  CHECK(lent.headers[0].value.reveal() == "key-1");
  CHECK(lent.headers[1].name == "Authorization");
  CHECK(lent.headers[1].value.reveal() == "Bearer tok.en-1");
  REQUIRE(lent.query.size() == 1);
  CHECK(lent.query[0].name == "api_key");
  CHECK(lent.query[0].value.reveal() == "key-1");
  CHECK(lent.expires_at == f.clock.system_now() + std::chrono::minutes(5));
}

TEST_CASE("http issuer: a basic login is encoded as RFC 7617 has it, whatever its length") {
  SecretsFixture f;
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},  // RFC 7617 §2
      {"a", "Basic QWxhZGRpbjph"},
      {"ab", "Basic QWxhZGRpbjphYg=="},
      {"abc", "Basic QWxhZGRpbjphYmM="},
      {"abcd", "Basic QWxhZGRpbjphYmNk"},
  };
  for (const auto& [password, wanted] : rows) {
    INFO(password);
    f.secrets["env:PASSWORD"] = password;
    const auto credential = f.issue({{SecretPlace::basic, "Aladdin", "env:PASSWORD"}});
    REQUIRE(credential);
    const auto& lent = std::get<access::HttpCredential>(*credential);
    CHECK(lent.headers.at(0).name == "Authorization");
    CHECK(lent.headers.at(0).value.reveal() == wanted);
  }
}

TEST_CASE("http issuer: a secret leaves the gateway only where somebody has said so") {
  SecretsFixture f;
  const auto kept = f.issue(kKey, HandOut::never, access::DataPath::local);
  REQUIRE_FALSE(kept);
  CHECK(kept.error().code == ErrorCode::internal);
  CHECK(f.issue(kKey, HandOut::local_path_too, access::DataPath::local));
  CHECK(f.issue(kKey, HandOut::never, access::DataPath::gateway));
  // There is nothing to keep.
  const auto none = f.issue({}, HandOut::never, access::DataPath::local);
  REQUIRE(none);
  CHECK(std::get<access::HttpCredential>(*none).headers.empty());
}

TEST_CASE("http issuer: what no field can hold is refused, and not repeated") {
  SecretsFixture f;
  const std::vector<std::pair<SecretPlace, std::string>> rows = {
      {SecretPlace::header, "hunter2\r\nX-Admin: 1"},
      {SecretPlace::header, "hunter2\x01"},
      {SecretPlace::header, "hunter2\xff"},
      {SecretPlace::header, " hunter2"},
      {SecretPlace::header, "hunter2 "},
      {SecretPlace::bearer, "hunter2 again"},
      {SecretPlace::bearer, "hunter2\nagain"},
      {SecretPlace::basic, "hunter2\n"},
      {SecretPlace::basic, "hunter2\x7f"},
      {SecretPlace::parameter, "hunter2\t"},
      {SecretPlace::header, "hunter2" + std::string(8192, 'x')}};
  for (const auto& [place, secret] : rows) {
    INFO(secret.substr(0, 40));
    f.secrets["env:S"] = secret;
    const auto refused = f.issue({{place, "X-Key", "env:S"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::config);
    CHECK(refused.error().message.find("hunter2") == std::string::npos);
    CHECK(refused.error().hint.find("hunter2") == std::string::npos);
  }
  const auto missing = f.issue({{SecretPlace::bearer, "", "env:NONE"}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "it is not set");
}

TEST_CASE("http issuer: secrets are read anew, and there is nothing to revoke") {
  SecretsFixture f;
  HttpSecretIssuer issuer("billing-api", kKey, HandOut::never, f.reader());
  const auto allowed = may_open(access::DataPath::gateway, f.clock.system_now());
  CHECK(issuer.can_extend());
  CHECK(issuer.name_for("s_1") == "secret:billing-api");
  CHECK(issuer.name_for("s_2") == issuer.name_for("s_1"));
  CHECK(issuer.extend(allowed, "secret:billing-api"));
  f.secrets["env:KEY"] = "key-2";
  const auto again = issuer.issue(allowed, "secret:billing-api");
  REQUIRE(again);
  CHECK(std::get<access::HttpCredential>(*again).headers.at(0).value.reveal() == "key-2");
  f.secrets.clear();
  CHECK_FALSE(issuer.extend(allowed, "secret:billing-api"));
  CHECK(issuer.revoke("secret:billing-api"));
  REQUIRE(issuer.list());
  CHECK(issuer.list()->empty());
}
