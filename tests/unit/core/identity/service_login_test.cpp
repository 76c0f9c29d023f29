// SPDX-License-Identifier: Apache-2.0
#include "core/identity/service_login.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/jwt.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::identity;

namespace {

IssuerMetadata issuer_taking(std::vector<std::string> methods) {
  IssuerMetadata out;
  out.issuer = "https://login.example";
  out.token_endpoint = "https://login.example/token";
  out.token_endpoint_auth_methods = std::move(methods);
  return out;
}

ServiceClient with_secret() {
  ServiceClient out;
  out.client_id = "ci/deploy";
  out.secret = SecretText("a:b &c");
  return out;
}

const SystemTime kNow{std::chrono::seconds(1'800'000'000)};

std::string token_of(std::string_view typ, std::string_view claims) {
  return sign_jws(crypto::P256Key::generate(), typ, claims);
}

}  // namespace

TEST_CASE(
    "a service's secret goes into the header, form-encoded first, unless the form is wanted") {
  crypto::SystemRandom random;
  const RequestParameters parameters{{"resource", "https://gw.example"}, {"scope", "openid"}};
  for (const auto& methods :
       {std::vector<std::string>{},
        std::vector<std::string>{"client_secret_post", "client_secret_basic"}}) {
    const auto request =
        service_request(with_secret(), issuer_taking(methods), parameters, kNow, random);
    CHECK(request.form.reveal() ==
          "grant_type=client_credentials&resource=https%3A%2F%2Fgw.example");
    const std::string wanted = "Basic " + to_base64(as_bytes("ci%2Fdeploy:a%3Ab%20%26c"));
    CHECK(request.authorization.reveal() == wanted);
  }
  const auto posted = service_request(with_secret(), issuer_taking({"client_secret_post"}),
                                      parameters, kNow, random);
  CHECK(posted.authorization.reveal().empty());
  CHECK(posted.form.reveal() ==
        "grant_type=client_credentials&resource=https%3A%2F%2Fgw.example&client_id=ci%2Fdeploy"
        "&client_secret=a%3Ab%20%26c");
}

TEST_CASE("a service's key signs an assertion for the token endpoint, for a minute, once") {
  crypto::SystemRandom random;
  ServiceClient client;
  client.client_id = "ci-key";
  client.key = crypto::P256Key::generate();
  client.key_id = "key-1";
  const auto assertion = [&] {
    const auto request = service_request(client, issuer_taking({}), {}, kNow, random);
    CHECK(request.authorization.reveal().empty());
    const std::string& form = request.form.reveal();
    CHECK(form.find("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%"
                    "3Ajwt-bearer") != std::string::npos);
    return form.substr(form.find("client_assertion=") + 17);
  };
  const std::string token = assertion();
  const KeySet keys{{{"key-1", client.key->public_key(), crypto::SignatureAlgorithm::es256}}};
  const auto claims = verify_jws(token, keys, "JWT");
  REQUIRE(claims);
  CHECK(*claims->text("iss") == "ci-key");
  CHECK(*claims->text("sub") == "ci-key");
  CHECK(*claims->text("aud") == "https://login.example/token");
  CHECK(*claims->find("iat")->integer() == 1'800'000'000);
  CHECK(*claims->find("exp")->integer() == 1'800'000'060);
  const auto second = verify_jws(assertion(), keys, "JWT");
  REQUIRE(second);
  CHECK(*second->text("jti") != *claims->text("jti"));
}

TEST_CASE("what an issuer answers a service says who must do something") {
  const auto code = [](int status, std::string_view body) {
    return parse_service_answer(status, body).error().code;
  };
  CHECK(parse_service_answer(200, R"({"access_token":"a","token_type":"Bearer","expires_in":60})")
            .value()
            .expires_in == std::chrono::seconds(60));
  CHECK(code(401, R"({"error":"invalid_client"})") == ErrorCode::unauthenticated);
  CHECK(code(400, R"({"error":"unauthorized_client"})") == ErrorCode::config);
  CHECK(code(400, R"({"error":"unsupported_grant_type"})") == ErrorCode::config);
  CHECK(code(400, R"({"error":"invalid_target"})") == ErrorCode::config);
  CHECK(code(503, "busy") == ErrorCode::upstream_refused);
  CHECK(code(400, "<html>") == ErrorCode::upstream_refused);
  CHECK(code(200, "<html>") == ErrorCode::malformed);
}

TEST_CASE("a token that is given must be an access token, and not have ended") {
  const auto code = [](const std::string& text) { return given_token(text, kNow).error().code; };
  const auto taken = given_token(token_of("at+jwt", R"({"exp":1800000300})") + "\r\n", kNow);
  REQUIRE(taken);
  CHECK(taken->expires_in == std::chrono::seconds(300));
  CHECK(taken->access_token.reveal().back() != '\n');
  CHECK(code(token_of("JWT", R"({"exp":1800000300})")) == ErrorCode::config);
  CHECK(code(token_of("at+jwt", R"({"exp":1800000000})")) == ErrorCode::unauthenticated);
  CHECK(code(token_of("at+jwt", R"({"exp":-9223372036854775807})")) == ErrorCode::unauthenticated);
  CHECK(code(token_of("at+jwt", R"({"exp":9223372036854775807})")) == ErrorCode::config);
  CHECK(code(token_of("at+jwt", R"({"exp":"soon"})")) == ErrorCode::config);
  CHECK(code(token_of("at+jwt", "{}")) == ErrorCode::config);
  CHECK(code("opaque") == ErrorCode::config);
  CHECK(code("") == ErrorCode::config);
}
