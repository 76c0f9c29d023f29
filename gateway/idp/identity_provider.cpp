// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/identity_provider.h"

#include "core/base/encoding.h"
#include "gateway/idp/authorize_page.h"
#include "gateway/idp/device_page.h"
#include "gateway/idp/schema.h"
#include "gateway/idp/token_endpoints.h"

namespace hoop::gateway::idp {
namespace {

std::string discovery_document(const std::string& issuer) {
  const auto url = [&](const char* path) {
    std::string quoted;
    append_json_string(quoted, issuer + path);
    return quoted;
  };
  return R"({"issuer":)" + url("") + R"(,"device_authorization_endpoint":)" +
         url("/oauth/device_authorization") + R"(,"authorization_endpoint":)" +
         url("/oauth/authorize") + R"(,"token_endpoint":)" + url("/oauth/token") +
         R"(,"revocation_endpoint":)" + url("/oauth/revoke") + R"(,"jwks_uri":)" +
         url("/oauth/jwks") +
         R"(,"grant_types_supported":["urn:ietf:params:oauth:grant-type:device_code","authorization_code","refresh_token"],"response_types_supported":["code"],)"
         R"("code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true,)"
         R"("token_endpoint_auth_methods_supported":["none"],"revocation_endpoint_auth_methods_supported":["none"],)"
         R"("scopes_supported":["hoopctl","approve"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"],"dpop_signing_alg_values_supported":["ES256"]})";
}

bool is_own_path(std::string_view path) {
  return path == "/device" || path.starts_with("/oauth/") ||
         path == "/.well-known/openid-configuration" ||
         path == "/.well-known/oauth-authorization-server";
}

}  // namespace

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

std::string address_key(const asio::ip::address& address) {
  if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address_text(address);
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

void add_security_headers(http::Response& response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("X-Content-Type-Options", "nosniff");
}

http::Response too_many(http::Response response, std::chrono::seconds retry_after) {
  response.headers.set("Retry-After", std::to_string(retry_after.count()));
  return response;
}

struct IdentityProvider::Parts {
  Shared shared;
  TokenEndpoints endpoints;
  SignIn sign_in;
  DevicePage page;
  AuthorizePage authorize;

  Parts(Shared parts, crypto::P256Key key)
      : shared(std::move(parts)),
        endpoints(shared, std::move(key)),
        sign_in(shared),
        page(shared, sign_in),
        authorize(shared, sign_in) {}

  identity::KeySet keys() const { return {{identity::verification_key(endpoints.key())}}; }

  /// Reading requests of documents that are the same for everybody.
  http::Response document(const http::Request& request, std::string json) const {
    if (request.method != "GET" && request.method != "HEAD") return http::method_not_allowed("GET");
    return http::json_response(200, std::move(json));
  }

  Task<http::Response> answer(http::Request request, http::ConnectionInfo connection) {
    const std::string path(request.path());
    if (path == "/oauth/jwks") co_return document(request, identity::jwks_to_json(keys()));
    if (path.starts_with("/.well-known/"))
      co_return document(request, discovery_document(shared.settings.issuer));
    if (path == "/oauth/device_authorization")
      co_return endpoints.authorize_device(request, connection);
    if (path == "/oauth/token") co_return endpoints.token(request, connection);
    if (path == "/oauth/revoke") co_return endpoints.revoke(request);
    if (path == "/oauth/authorize") {
      if (request.method == "GET" || request.method == "HEAD") co_return authorize.show(request);
      if (request.method != "POST") co_return http::method_not_allowed("GET, POST");
      co_return co_await authorize.submit(std::move(request), std::move(connection));
    }
    if (path != "/device")
      co_return http::problem_response(404, "not_found", "there is nothing here");
    if (request.method == "GET" || request.method == "HEAD")
      co_return page.show(request, connection);
    if (request.method != "POST") co_return http::method_not_allowed("GET, POST");
    co_return co_await page.submit(std::move(request), std::move(connection));
  }
};

IdentityProvider::IdentityProvider(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
IdentityProvider::~IdentityProvider() = default;

Result<std::unique_ptr<IdentityProvider>> IdentityProvider::create(
    Settings settings, Database& database, crypto::P256Key key, const Clock& clock, Random& random,
    Log& log, ProofChecker& proofs) {
  HOOP_TRY(UserStore users, UserStore::open(database));
  HOOP_TRY(Audit audit, Audit::open(database));
  Shared shared{std::move(settings),
                clock,
                random,
                log,
                std::move(users),
                DeviceRequests(database),
                Logins(database),
                AuthorizationCodes(database),
                audit,
                proofs};
  auto parts = std::make_unique<Parts>(std::move(shared), std::move(key));
  return std::unique_ptr<IdentityProvider>(new IdentityProvider(std::move(parts)));
}

asio::awaitable<std::optional<http::Response>> IdentityProvider::handle(
    http::Request request, http::ConnectionInfo connection) {
  const std::string path(request.path());
  if (!is_own_path(path)) co_return std::nullopt;
  Result<http::Response> answer =
      co_await parts_->answer(std::move(request), std::move(connection));
  if (!answer) {
    parts_->shared.log.error("identity_provider_failed",
                             {{"path", path}, {"error", answer.error().message}});
    answer = http::json_response(500, R"({"error":"server_error"})");
  }
  add_security_headers(*answer);
  co_return std::move(*answer);
}

identity::KeySet IdentityProvider::keys() const { return parts_->keys(); }

}  // namespace hoop::gateway::idp
