// SPDX-License-Identifier: Apache-2.0
#include "core/identity/service_login.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/jwt.h"

namespace hoop::identity {
namespace {

constexpr std::string_view kAssertionType =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
// An assertion is used at once: a minute allows for clocks that differ.
constexpr std::chrono::seconds kAssertionLife{60};

std::int64_t seconds_since_1970(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

SecretText assertion(const ServiceClient& client, const IssuerMetadata& issuer, SystemTime now,
                     Random& random) {
  std::string claims = "{\"iss\":";
  append_json_string(claims, client.client_id);
  claims += ",\"sub\":";
  append_json_string(claims, client.client_id);
  // RFC 7523 §3 leaves it to the issuer what it is called; all take their token endpoint.
  claims += ",\"aud\":";
  append_json_string(claims, issuer.token_endpoint);
  const std::int64_t issued = seconds_since_1970(now);
  claims += fmt::format(",\"jti\":\"{}\",\"iat\":{},\"exp\":{}}}", to_base64url(random.bytes(16)),
                        issued, issued + kAssertionLife.count());
  return SecretText(sign_jws(*client.key, "JWT", claims, client.key_id));
}

/// RFC 6749 §2.3.1: both are form-encoded before they are joined.
SecretText basic_authorization(const ServiceClient& client) {
  const SecretText id = form_encoded(client.client_id);
  const SecretText secret = form_encoded(client.secret.reveal());
  const SecretText both(fmt::format("{}:{}", id.reveal(), secret.reveal()));
  return SecretText("Basic " + to_base64(as_bytes(both.reveal())));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

bool takes(const IssuerMetadata& issuer, std::string_view method) {
  return std::ranges::find(issuer.token_endpoint_auth_methods, method) !=
         issuer.token_endpoint_auth_methods.end();
}

}  // namespace

ServiceRequest service_request(const ServiceClient& client, const IssuerMetadata& issuer,
                               const RequestParameters& parameters, SystemTime now,
                               Random& random) {
  std::vector<FormField> fields{{"grant_type", "client_credentials"}};
  for (const auto& [name, value] : parameters) {
    if (name != "scope") fields.emplace_back(name, value);
  }
  ServiceRequest out;
  if (client.key) {
    const SecretText signed_by_us = assertion(client, issuer, now, random);
    fields.emplace_back("client_id", client.client_id);
    fields.emplace_back("client_assertion_type", kAssertionType);
    fields.emplace_back("client_assertion", signed_by_us.reveal());
    out.form = form_body(fields);
    return out;
  }
  // Basic is what an issuer takes that says nothing (RFC 8414 §2).
  if (!takes(issuer, "client_secret_basic") && takes(issuer, "client_secret_post")) {
    fields.emplace_back("client_id", client.client_id);
    fields.emplace_back("client_secret", client.secret.reveal());
  } else {
    out.authorization = basic_authorization(client);
  }
  out.form = form_body(fields);
  return out;
}

Result<TokenSet> parse_service_answer(int status, std::string_view body) {
  if (status == 200) return parse_token_set(body);
  const std::string error = oauth_error(body);
  if (error == "invalid_client" || error == "invalid_grant") {
    return fail(ErrorCode::unauthenticated,
                "the issuer does not accept the client's id with this secret or key",
                "look at what the issuer has registered for it");
  }
  if (error == "unauthorized_client" || error == "unsupported_grant_type") {
    return fail(ErrorCode::config, "the issuer gives this client no token of its own",
                "allow it the grant client_credentials there");
  }
  if (error == "invalid_scope" || error == "invalid_target" || error == "invalid_request") {
    return fail(ErrorCode::config,
                "the issuer gives this client no token for this gateway: " + error,
                "its audience, resource or scope is not what the issuer knows");
  }
  return fail(ErrorCode::upstream_refused,
              fmt::format("the issuer answered {} to a token request", status), "try again");
}

SecretText exchange_request(const SecretText& subject_token) {
  return form_body({{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                    {"subject_token", subject_token.reveal()},
                    {"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}});
}

Result<TokenSet> parse_exchange_answer(int status, std::string_view body) {
  if (status == 200) return parse_token_set(body);
  const auto json = parse_json(body);
  const std::string* words = json ? json->text("error_description") : nullptr;
  if (status == 400 && words != nullptr) {
    return fail(ErrorCode::unauthenticated, neutralise(*words, 300, Lines::escape),
                "the gateway's log says why; workloads stand in its configuration");
  }
  // Without workloads the path is one of its API, which wants a login.
  if (status == 404 || status == 401) {
    return fail(ErrorCode::config, "the gateway takes no tokens of jobs",
                "its operator lets them in by [[gateway.workload]]");
  }
  return fail(ErrorCode::upstream_refused,
              fmt::format("the gateway answered {} to a token exchange", status), "try again");
}

bool is_other_token(std::string_view text) {
  const auto jws = parse_jws(trimmed(text));
  return jws && jws->typ != "at+jwt" && jws->typ != "application/at+jwt";
}

Result<TokenSet> given_token(std::string_view text, SystemTime now) {
  text = trimmed(text);
  const auto jws = parse_jws(text);
  if (!jws) {
    return fail(ErrorCode::config, "what was given is no access token: " + jws.error().message,
                "it is one line, as the issuer has given it");
  }
  if (jws->typ != "at+jwt" && jws->typ != "application/at+jwt") {
    return fail(ErrorCode::config, "the token is not an access token: its type is not 'at+jwt'",
                "an ID token is none; ask the issuer for an access token for the gateway");
  }
  const Json* member = jws->claims.find("exp");
  const std::int64_t* expires = member == nullptr ? nullptr : member->integer();
  constexpr std::int64_t kLongest = 366 * 86400;
  const std::int64_t left =
      expires == nullptr ? 0 : *expires - std::min(*expires, seconds_since_1970(now));
  if (expires == nullptr || left > kLongest)
    return fail(ErrorCode::config, "the access token does not say when it ends");
  if (left <= 0)
    return fail(ErrorCode::unauthenticated, "the access token has expired", "give a new one");
  return TokenSet{SecretText(std::string(text)), SecretText(), std::chrono::seconds(left)};
}

}  // namespace hoop::identity
