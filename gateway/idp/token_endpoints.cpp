// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/token_endpoints.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/identity/jwt.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::size_t kMaxBody = std::size_t{8} << 10;
constexpr std::size_t kMaxHostName = 64;
constexpr std::int64_t kMaxDeviceRequests = 10'000;
constexpr std::chrono::minutes kPurgeEvery{1};
constexpr const char* kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

http::Response oauth_error(int status, std::string_view error) {
  return http::json_response(status, R"({"error":")" + std::string(error) + "\"}");
}

/// The form, or the answer that refuses it.
std::expected<http::Form, http::Response> read_form(const http::Request& request,
                                                    const Settings& settings) {
  const auto refuse = [](int status, std::string_view error) {
    return std::unexpected(oauth_error(status, error));
  };
  if (request.method != "POST") {
    http::Response response = oauth_error(405, "invalid_request");
    response.headers.set("Allow", "POST");
    return std::unexpected(std::move(response));
  }
  const auto type = request.headers.only("content-type");
  const std::string_view media = type ? type->substr(0, type->find(';')) : std::string_view();
  if (!http::equal_ignoring_case(media, "application/x-www-form-urlencoded"))
    return refuse(415, "invalid_request");
  if (request.body.size() > kMaxBody) return refuse(413, "invalid_request");
  // A field that comes twice is refused by parse (RFC 6749 §3.2).
  auto form = http::Form::parse(request.body);
  if (!form) return refuse(400, "invalid_request");
  const auto client = form->find("client_id");
  // A public client: a secret would prove nothing, so none is asked for.
  if (!client || *client != settings.client_id) return refuse(401, "invalid_client");
  return std::move(*form);
}

/// What the requester calls itself, as far as it can be printed.
std::string clean_host(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxHostName)) {
    if (c >= 0x20 && c < 0x7f) out += c;
  }
  return out;
}

void append_text_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

/// NumericDate (RFC 7519 §2).
std::int64_t seconds_of(SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

TokenEndpoints::TokenEndpoints(Shared& shared, crypto::P256Key key)
    : shared_(shared),
      key_(std::move(key)),
      requests_by_address_(shared.settings.device_requests_per_minute, std::chrono::minutes(1)) {}

Result<http::Response> TokenEndpoints::authorize_device(const http::Request& request,
                                                        const http::ConnectionInfo& connection) {
  const auto form = read_form(request, shared_.settings);
  if (!form) return form.error();
  std::string_view scope = form->find("scope").value_or("");
  if (scope.empty()) scope = kLoginScope;  // RFC 6749 §3.1
  if (scope != kLoginScope && scope != kApprovingScope) return oauth_error(400, "invalid_scope");
  HOOP_CHECK(purge_now_and_then());
  const std::string key = address_key(connection.peer);
  const SteadyTime steady = shared_.clock.steady_now();
  HOOP_TRY(const std::int64_t waiting, shared_.requests.count());
  if (!requests_by_address_.allows(key, steady) || waiting >= kMaxDeviceRequests) {
    shared_.log.warning("device_request_limited", {{"address", address_text(connection.peer)}});
    return too_many(oauth_error(429, "temporarily_unavailable"), std::chrono::seconds(60));
  }
  requests_by_address_.count(key, steady);

  const Settings& settings = shared_.settings;
  const auto life = std::min(settings.device_code_life, std::chrono::seconds(300));
  DeviceRequest wanted;
  wanted.client_id = settings.client_id;
  wanted.client_host = clean_host(form->find("client_host").value_or(""));
  wanted.address = address_text(connection.peer);
  wanted.requested_at = shared_.clock.system_now();
  wanted.scope = scope;
  HOOP_TRY(const IssuedCodes codes,
           shared_.requests.issue(wanted, life, settings.poll_interval, shared_.random));
  const std::string page = settings.issuer + "/device";
  std::string json = "{";
  append_text_member(json, "device_code", codes.device_code.reveal());
  append_text_member(json, "user_code", codes.user_code);
  append_text_member(json, "verification_uri", page);
  append_text_member(json, "verification_uri_complete", page + "?user_code=" + codes.user_code);
  json += ",\"expires_in\":" + std::to_string(life.count()) +
          ",\"interval\":" + std::to_string(settings.poll_interval.count()) + "}";
  return http::json_response(200, std::move(json));
}

Result<http::Response> TokenEndpoints::token(const http::Request& request,
                                             const http::ConnectionInfo& connection) {
  const auto form = read_form(request, shared_.settings);
  if (!form) return form.error();
  const auto grant = form->find("grant_type");
  if (!grant) return oauth_error(400, "invalid_request");
  std::string key;
  if (request.headers.count("DPoP") > 0) {
    auto proven = shared_.proofs.check(request, {});
    if (!proven) return no_proof(proven.error());
    key = std::move(proven->thumbprint);
  }
  if (*grant == kDeviceGrant) return from_device_code(*form, key, connection);
  if (*grant == "authorization_code") return from_code(*form, key, connection);
  if (*grant == "refresh_token") return from_refresh_token(*form, key, connection);
  return oauth_error(400, "unsupported_grant_type");
}

/// With our nonce the client's clock does not count (RFC 9449 §8).
http::Response TokenEndpoints::no_proof(const Error& why) {
  http::Response out =
      oauth_error(400, why.code == ErrorCode::timeout ? "use_dpop_nonce" : "invalid_dpop_proof");
  out.headers.set("DPoP-Nonce", shared_.proofs.nonce());
  return out;
}

Result<http::Response> TokenEndpoints::from_device_code(const http::Form& form,
                                                        const std::string& key,
                                                        const http::ConnectionInfo& connection) {
  const auto code = form.find("device_code");
  if (!code) return oauth_error(400, "invalid_request");
  const SystemTime now = shared_.clock.system_now();
  HOOP_TRY(const DeviceRequests::Poll poll,
           shared_.requests.poll(*code, shared_.settings.client_id, now));
  using State = DeviceRequests::Poll::State;
  switch (poll.state) {
    case State::unknown: return oauth_error(400, "invalid_grant");
    case State::pending: return oauth_error(400, "authorization_pending");
    case State::slow_down: return oauth_error(400, "slow_down");
    case State::denied: return oauth_error(400, "access_denied");
    case State::expired: return oauth_error(400, "expired_token");
    case State::approved: break;
  }
  if (poll.scope == kApprovingScope) return let_decide(poll, key, connection);
  return begin_login(poll.subject, poll.signed_in_at, key, connection);
}

Result<http::Response> TokenEndpoints::from_code(const http::Form& form, const std::string& key,
                                                 const http::ConnectionInfo& connection) {
  const auto code = form.find("code"), uri = form.find("redirect_uri"),
             verifier = form.find("code_verifier");
  if (!code || !uri || !verifier) return oauth_error(400, "invalid_request");
  HOOP_TRY(const std::optional<std::string> subject,
           shared_.codes.redeem(*code, *uri, *verifier, shared_.clock.system_now()));
  if (!subject) return oauth_error(400, "invalid_grant");
  return begin_login(*subject, std::nullopt, key, connection);
}

Result<http::Response> TokenEndpoints::begin_login(const std::string& subject,
                                                   std::optional<SystemTime> signed_in_at,
                                                   const std::string& key,
                                                   const http::ConnectionInfo& connection) {
  HOOP_TRY(const std::optional<User> user, shared_.users.find_user(subject));
  if (!user || user->disabled) return oauth_error(400, "access_denied");
  HOOP_TRY(SecretText refresh, shared_.logins.start(user->name, shared_.settings.client_id, key,
                                                    shared_.clock.system_now(),
                                                    shared_.settings.login_life, shared_.random));
  shared_.log.info("login", {{"subject", user->name}, {"address", address_text(connection.peer)}});
  return tokens(*user, key, {kLoginScope, signed_in_at, std::move(refresh)});
}

Result<http::Response> TokenEndpoints::let_decide(const DeviceRequests::Poll& approved,
                                                  const std::string& key,
                                                  const http::ConnectionInfo& connection) {
  HOOP_TRY(const std::optional<User> user, shared_.users.find_user(approved.subject));
  if (!user || user->disabled) return oauth_error(400, "access_denied");
  shared_.log.info("approval_sign_in",
                   {{"subject", user->name}, {"address", address_text(connection.peer)}});
  return tokens(*user, key, {kApprovingScope, approved.signed_in_at, {}});
}

Result<http::Response> TokenEndpoints::from_refresh_token(const http::Form& form,
                                                          const std::string& key,
                                                          const http::ConnectionInfo& connection) {
  const auto token = form.find("refresh_token");
  if (!token) return oauth_error(400, "invalid_request");
  HOOP_CHECK(purge_now_and_then());
  HOOP_TRY(Logins::Rotation rotation,
           shared_.logins.rotate(*token, shared_.settings.client_id, key,
                                 shared_.clock.system_now(), shared_.random));
  using State = Logins::Rotation::State;
  switch (rotation.state) {
    case State::unknown:
    case State::ended: return oauth_error(400, "invalid_grant");
    case State::reused:
      shared_.log.warning("refresh_token_reused", {{"subject", rotation.subject},
                                                   {"address", address_text(connection.peer)}});
      return oauth_error(400, "invalid_grant");
    case State::rotated: break;
  }
  // Read anew each time: a change of groups is in force within one access token's life.
  HOOP_TRY(const std::optional<User> user, shared_.users.find_user(rotation.subject));
  if (!user || user->disabled) {
    HOOP_CHECK(shared_.logins.end(*token, shared_.settings.client_id));
    return oauth_error(400, "invalid_grant");
  }
  shared_.log.info("login_refreshed",
                   {{"subject", user->name}, {"address", address_text(connection.peer)}});
  return tokens(*user, key, {kLoginScope, std::nullopt, std::move(rotation.token)});
}

Result<http::Response> TokenEndpoints::revoke(const http::Request& request) {
  const auto form = read_form(request, shared_.settings);
  if (!form) return form.error();
  const auto token = form->find("token");
  if (!token) return oauth_error(400, "invalid_request");
  // RFC 7009 §2.2: an unknown token is as revoked as can be. An access token ends by itself within
  // minutes.
  HOOP_CHECK(shared_.logins.end(*token, shared_.settings.client_id));
  return http::json_response(200, "{}");
}

http::Response TokenEndpoints::tokens(const User& user, const std::string& key,
                                      const Terms& terms) {
  const Settings& settings = shared_.settings;
  const auto life = std::min(settings.access_token_life, std::chrono::seconds(300));
  const std::int64_t issued = seconds_of(shared_.clock.system_now());
  std::string claims = "{";
  append_text_member(claims, "iss", settings.issuer);
  append_text_member(claims, "sub", user.name);
  append_text_member(claims, "aud", settings.audience);
  append_text_member(claims, "client_id", settings.client_id);
  append_text_member(claims, "scope", terms.scope);
  append_text_member(claims, "jti", to_base64url(shared_.random.bytes(16)));
  claims += ",\"groups\":[";
  for (const std::string& group : user.groups) {
    if (claims.back() != '[') claims += ',';
    append_json_string(claims, group);
  }
  claims += ']';
  if (!key.empty()) claims += R"(,"cnf":{"jkt":")" + key + "\"}";
  if (terms.signed_in_at)
    claims += ",\"auth_time\":" + std::to_string(seconds_of(*terms.signed_in_at));
  claims += ",\"iat\":" + std::to_string(issued) +
            ",\"exp\":" + std::to_string(issued + life.count()) + "}";
  std::string json = "{";
  append_text_member(json, "access_token", identity::sign_jws(key_, "at+jwt", claims));
  append_text_member(json, "token_type", key.empty() ? "Bearer" : "DPoP");
  if (!terms.refresh_token.empty())
    append_text_member(json, "refresh_token", terms.refresh_token.reveal());
  append_text_member(json, "scope", terms.scope);
  json += ",\"expires_in\":" + std::to_string(life.count()) + "}";
  return http::json_response(200, std::move(json));
}

Result<void> TokenEndpoints::purge_now_and_then() {
  const SteadyTime now = shared_.clock.steady_now();
  if (purged_at_ != SteadyTime() && now - purged_at_ < kPurgeEvery) return {};
  purged_at_ = now;
  HOOP_CHECK(shared_.requests.purge(shared_.clock.system_now()));
  return shared_.logins.purge(shared_.clock.system_now());
}

}  // namespace hoop::gateway::idp
