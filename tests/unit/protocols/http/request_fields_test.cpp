// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_fields.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

http::Request request_with(http::Headers fields) {
  http::Request out;
  out.method = "GET";
  out.target = "/a";
  out.headers.add("Host", "localhost:8080");
  for (const http::Header& field : fields) out.headers.add(field.name, field.value);
  return out;
}

constexpr const char* kEndpoint = "http://localhost:8080";

std::string code_for(const http::Headers& fields) {
  const auto problem = check_request_fields(request_with(fields), kEndpoint);
  return problem ? problem->code : "";
}

access::Grant grant_with(const char* header, const char* parameter = nullptr) {
  access::Grant grant;
  grant.session = "s_1";
  grant.target.host = "billing.internal";
  grant.target.port = 443;
  access::HttpCredential credential;
  if (header != nullptr) credential.headers.push_back({header, SecretText("secret-value")});
  if (parameter != nullptr) credential.query.push_back({parameter, SecretText("secret-value")});
  grant.credential = access::Credential(std::move(credential));
  return grant;
}

std::string forwarded(const http::Headers& fields, const access::Grant& grant,
                      const ForwardRules& rules = {}) {
  std::string out;
  for (const auto& field : forwarded_fields(request_with(fields), grant, rules))
    out += field.name + ": " + field.value + "\n";
  return out;
}

TEST_CASE("only a request that means the endpoint is taken") {
  CHECK(code_for({}).empty());
  CHECK(code_for({{"Origin", kEndpoint}}).empty());
  CHECK(code_for({{"Origin", "http://localhost:8081"}}) == "foreign_origin");
  CHECK(code_for({{"Origin", "null"}}) == "foreign_origin");
  CHECK(code_for({{"Origin", kEndpoint}, {"origin", "https://evil.example"}}) ==
        "malformed_request");
  CHECK(code_for({{"Sec-Fetch-Site", "cross-site"}}) == "foreign_origin");
  CHECK(code_for({{"Sec-Fetch-Site", "same-origin"}}).empty());
  http::Request foreign = request_with({});
  foreign.headers.set("Host", "evil.example");
  REQUIRE(check_request_fields(foreign, "http://evil.example"));
  CHECK(check_request_fields(foreign, "http://evil.example")->status == 421);
}

TEST_CASE("a field by which a server would judge another request is refused, however it is spelt") {
  for (const char* name : {"X-HTTP-Method-Override", "x-http-method", "X_Original_URL",
                           "X.Rewrite.URL", "X-Original_Uri"}) {
    INFO(name);
    CHECK(code_for({{name, "DELETE"}}) == "malformed_request");
  }
  CHECK(code_for({{"X-HTTP-Methods", "DELETE"}}).empty());
}

TEST_CASE("what is of the connection, or only this side can say, is left out") {
  const access::Grant grant = grant_with(nullptr);
  CHECK(forwarded({{"Connection", "x-a, close"},
                   {"X-A", "1"},
                   {"Keep-Alive", "1"},
                   {"TE", "trailers"},
                   {"Transfer-Encoding", "chunked"},
                   {"Via", "1"},
                   {"X-Forwarded-For", "1"},
                   {"X.Forwarded.For", "1"},
                   {"X_B", "1"},
                   {"Proxy", "1"},
                   {"X-Hoopctl-Session", "1"},
                   {"X-B", "2"},
                   {"x-forwarded", "3"}},
                  grant) == "X-B: 2\nx-forwarded: 3\n");
}

TEST_CASE("a credential of the program's gives way to the target's") {
  const http::Headers sent{{"X-Api-Key", "a"}, {"x.api.key", "b"}, {"Authorization", "c"}};
  CHECK(forwarded(sent, grant_with(nullptr)) == "X-Api-Key: a\nx.api.key: b\nAuthorization: c\n");
  CHECK(forwarded(sent, grant_with("X-Api-Key")).empty());
  CHECK(forwarded(sent, grant_with("x_api_key")).empty());
  CHECK(forwarded(sent, grant_with("Authorization")) == "X-Api-Key: a\nx.api.key: b\n");
  CHECK(forwarded(sent, grant_with(nullptr, "key")) == "X-Api-Key: a\nx.api.key: b\n");
  CHECK(injects_parameter(grant_with(nullptr, "key"), "KEY"));
  CHECK_FALSE(injects_parameter(grant_with(nullptr, "key"), "key2"));
}

TEST_CASE("what the program says of its own origin is said of the target's") {
  const access::Grant grant = grant_with(nullptr);
  CHECK(forwarded({{"Origin", kEndpoint}, {"Referer", "http://localhost:8080/a?b"}}, grant) ==
        "Referer: https://billing.internal/a?b\nOrigin: https://billing.internal\n");
  CHECK(forwarded({{"Referer", "http://localhost:80801/a"}}, grant).empty());
  CHECK(forwarded({{"Referer", "https://elsewhere.example/"}}, grant).empty());
}

TEST_CASE("replies that must be read are asked for as they are, and whole where they must be") {
  const access::Grant grant = grant_with(nullptr);
  const http::Headers sent{{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-1"}, {"If-Range", "x"}};
  CHECK(forwarded(sent, grant) == "Range: bytes=0-1\nIf-Range: x\nAccept-Encoding: gzip\n");
  CHECK(forwarded(sent, grant, {true, false}) ==
        "Range: bytes=0-1\nIf-Range: x\nAccept-Encoding: identity\n");
  CHECK(forwarded(sent, grant, {true, true}) == "Accept-Encoding: identity\n");
}

TEST_CASE("the target is called by its own name, with its port unless the scheme says it") {
  access::Target target;
  target.host = "billing.internal";
  target.tls_server_name = "certificate.internal";
  target.port = 443;
  CHECK(origin_of(target) == "https://billing.internal");
  target.port = 8443;
  CHECK(origin_of(target) == "https://billing.internal:8443");
  CHECK(authority_of(target) == "billing.internal:8443");
  target.host = "::1";
  target.port = 80;
  target.tls = access::TlsMode::disable;
  CHECK(origin_of(target) == "http://[::1]");
}

}  // namespace
}  // namespace hoop::http_target
