// SPDX-License-Identifier: Apache-2.0
#include "core/identity/discovery.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

TEST_CASE("an https URL is read and normalised") {
  const HttpsUrl url = parse_https_url("https://GW.Example:8443/a?b=c").value();
  CHECK(url.host == "gw.example");
  CHECK(url.port == 8443);
  CHECK(url.path == "/a?b=c");
  CHECK(url.origin() == "https://gw.example:8443");
  CHECK(parse_https_url("https://gw.example").value() == HttpsUrl{"gw.example", 443, "/"});
  CHECK(parse_https_url("https://gw.example:443/").value().origin() == "https://gw.example");
  CHECK(parse_https_url("https://[::1]:8443").value().origin() == "https://[::1]:8443");
  CHECK(parse_https_url("https://h?q").value().path == "/?q");
}

TEST_CASE("what is not plainly an https URL is refused") {
  for (const char* bad : {"",
                          "https://",
                          "https:///x",
                          "http://gw.example",
                          "HTTPS://gw.example",
                          "gw.example",
                          "ftp://x",
                          "https://a@b",
                          "https://a:b@c",
                          "https://h:0",
                          "https://h:65536",
                          "https://h:",
                          "https://h:8x",
                          "https://h: 80",
                          "https://h:+80",
                          "https://h#f",
                          "https://h/#f",
                          "https://h/\n",
                          "https://h\\x",
                          "https://[::1",
                          "https://[h]",
                          "https://[::1]x",
                          "https://-h",
                          "https://.h",
                          "https://..",
                          "https://h\x01",
                          "https://h\xc3\xa9"}) {
    INFO(bad);
    CHECK_FALSE(parse_https_url(bad));
  }
  CHECK_FALSE(parse_https_url("https://h/" + std::string(3000, 'a')));
}

TEST_CASE("a gateway's description names its issuer, client and audience") {
  const GatewayDocument document =
      parse_gateway_document(
          R"({"gateway":"gw_1","issuer":"https://gw:8443","client_id":"hoopctl","audience":"https://gw:8443","version":"0.1.0"})")
          .value();
  CHECK(document.gateway == "gw_1");
  CHECK(document.issuer == "https://gw:8443");
  CHECK(document.login_parameters.empty());
  CHECK(document.approving_scope == "approve");
  const std::string open =
      R"({"gateway":"gw_1","issuer":"https://idp","client_id":"c","audience":"a","version":"1",)";
  const GatewayDocument foreign =
      parse_gateway_document(open +
                             R"("login_parameters":{"scope":"openid x","resource":"https://gw"},)"
                             R"("issuer_ca":"-----BEGIN","approving_scope":"gw:approve"})")
          .value();
  CHECK(foreign.login_parameters ==
        RequestParameters{{"resource", "https://gw"}, {"scope", "openid x"}});
  CHECK(foreign.issuer_ca_pem == "-----BEGIN");
  CHECK(foreign.approving_scope == "gw:approve");
  // A gateway cannot make a login send what is the login's own, or what no form holds.
  for (const char* bad :
       {R"("login_parameters":[]})", R"("login_parameters":{"scope":1}})",
        R"("login_parameters":{"client_id":"other"}})",
        R"("login_parameters":{"redirect_uri":"x"}})", R"("login_parameters":{"Scope":"x"}})",
        R"("login_parameters":{"scope":"a\nb"}})", R"("login_parameters":{"scope":""}})",
        R"("issuer_ca":7})", R"("approving_scope":7})", R"("approving_scope":""})",
        R"("approving_scope":"a b"})", R"("approving_scope":"a\"b"})",
        R"("approving_scope":"a\\b"})", R"("approving_scope":"a\nb"})"}) {
    INFO(bad);
    CHECK(parse_gateway_document(open + bad).error().code == ErrorCode::malformed);
  }
  for (
      const char* bad :
      {"", "{}",
       R"({"gateway":"gw_1","issuer":"http://gw","client_id":"c","audience":"a","version":"1"})",
       R"({"gateway":"gw\u001b","issuer":"https://gw","client_id":"c","audience":"a","version":"1"})",
       R"({"gateway":7,"issuer":"https://gw","client_id":"c","audience":"a","version":"1"})"}) {
    INFO(bad);
    CHECK(parse_gateway_document(bad).error().code == ErrorCode::malformed);
  }
}

TEST_CASE("an issuer's description must be about that issuer, with https throughout") {
  const auto document = [](const char* issuer, const char* token) {
    return std::string(R"({"issuer":")") + issuer +
           R"(","device_authorization_endpoint":"https://gw/d","token_endpoint":")" + token +
           R"(","jwks_uri":"https://gw/k"})";
  };
  const IssuerMetadata metadata =
      parse_issuer_metadata(document("https://gw", "https://gw/t"), "https://gw").value();
  CHECK(metadata.token_endpoint == "https://gw/t");
  CHECK(metadata.revocation_endpoint.empty());
  CHECK(
      parse_issuer_metadata(document("https://evil", "https://gw/t"), "https://gw").error().code ==
      ErrorCode::integrity);
  CHECK(parse_issuer_metadata(document("https://gw/", "https://gw/t"), "https://gw").error().code ==
        ErrorCode::integrity);
  CHECK(parse_issuer_metadata(document("https://gw", "http://gw/t"), "https://gw").error().code ==
        ErrorCode::malformed);
  // As a platform describes itself that signs tokens for jobs, and gives none (GitHub, Kubernetes).
  const auto platform = parse_issuer_metadata(
      R"({"issuer":"https://ci","jwks_uri":"https://ci/.well-known/jwks",)"
      R"("subject_types_supported":["public","pairwise"],"response_types_supported":["id_token"],)"
      R"("claims_supported":["sub","aud"],"id_token_signing_alg_values_supported":["RS256"],)"
      R"("scopes_supported":["openid"]})",
      "https://ci");
  REQUIRE(platform);
  CHECK(platform->token_endpoint.empty());
  CHECK(platform->jwks_uri == "https://ci/.well-known/jwks");
  CHECK(metadata_url("https://gw/") == "https://gw/.well-known/openid-configuration");
}
