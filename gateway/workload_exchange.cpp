// SPDX-License-Identifier: Apache-2.0
#include "gateway/workload_exchange.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/http/form.h"
#include "core/identity/jwt.h"
#include "gateway/idp/parts.h"

namespace hoop::gateway {
namespace {

constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::array<std::string_view, 2> kTokenTypes{"urn:ietf:params:oauth:token-type:id_token",
                                                      "urn:ietf:params:oauth:token-type:jwt"};
constexpr std::string_view kClient = "workload";
constexpr std::size_t kMostForm = identity::kMaxTokenBytes + 4096;
constexpr std::uint32_t kTriesPerMinute = 600;  // an address: a CI may have but one
// A token's id is kept until nobody would take the token any more.
constexpr std::chrono::seconds kLeewayTwice{120};
constexpr std::chrono::seconds kLongestTokenLife{3600};

/// RFC 6749 §5.2; the description is ours and holds nothing of the token.
http::Response refused(int status, std::string_view error, std::string_view description) {
  std::string json = "{\"error\":";
  append_json_string(json, error);
  json += ",\"error_description\":";
  append_json_string(json, description);
  json += '}';
  return http::json_response(status, std::move(json));
}

std::string own_issuer(const std::string& base_url) { return base_url + "/workloads"; }

}  // namespace

WorkloadExchange::WorkloadExchange(Parts parts)
    : parts_(std::move(parts)), tries_(kTriesPerMinute, parts_.clock) {}

Result<std::unique_ptr<WorkloadExchange>> WorkloadExchange::create(Parts parts) {
  HOOP_CHECK(parts.database.script(R"sql(
    CREATE TABLE IF NOT EXISTS workload_token (
      issuer TEXT NOT NULL,
      id TEXT NOT NULL,
      until INTEGER NOT NULL,
      PRIMARY KEY (issuer, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS workload_token_until ON workload_token (until);
  )sql"));
  std::unique_ptr<WorkloadExchange> out(new WorkloadExchange(std::move(parts)));
  for (ConfiguredWorkload& workload : out->parts_.workloads) {
    identity::WorkloadTerms& terms = workload.terms;
    if (terms.audience.empty()) terms.audience = out->parts_.base_url;
    std::unique_ptr<IssuerKeys>& keys = out->keys_[terms.issuer];
    if (keys) continue;
    net::Trust trust;
    trust.ca_pem = workload.ca_pem;
    HOOP_TRY(keys, IssuerKeys::create(terms.issuer, std::move(trust), out->parts_.executor,
                                      out->parts_.clock, out->parts_.log));
  }
  return out;
}

identity::TrustedIssuer WorkloadExchange::issuer() const {
  identity::TrustedIssuer out;
  out.issuer = own_issuer(parts_.base_url);
  out.audience = parts_.base_url;
  out.keys.keys.push_back(identity::verification_key(parts_.key));
  out.clients.emplace(kClient, access::IdentityKind::ci);
  out.max_life = kLongestTokenLife;
  return out;
}

Result<bool> WorkloadExchange::take_once(const std::string& issuer,
                                         const identity::WorkloadClaims& claims) {
  Database& database = parts_.database;
  HOOP_CHECK(database.run("DELETE FROM workload_token WHERE until < ?1",
                          {to_column(parts_.clock.system_now())}));
  HOOP_CHECK(database.run(
      "INSERT INTO workload_token (issuer, id, until) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
      {issuer, claims.id, to_column(claims.expires_at + kLeewayTwice)}));
  return database.changes() == 1;
}

/// The first workload that the token is one of. What a workload wants is the gateway's own affair,
/// and everybody can have a token of a public platform: it stands in the log alone.
Result<WorkloadExchange::Fit> WorkloadExchange::fit(const identity::UnverifiedJws& token,
                                                    const identity::KeySet& keys) {
  const std::string* issuer = token.claims.text("iss");
  std::optional<Error> wrong;
  for (const ConfiguredWorkload& workload : parts_.workloads) {
    if (issuer == nullptr || workload.terms.issuer != *issuer) continue;
    auto claims =
        identity::verify_workload_token(token, keys, workload.terms, parts_.clock.system_now());
    if (claims) return Fit{&workload.terms, std::move(*claims)};
    parts_.log.warning("workload.refused",
                       {{"workload", workload.terms.name}, {"why", claims.error().message}});
    if (claims.error().code != ErrorCode::denied && !wrong) wrong = std::move(claims).error();
  }
  if (wrong) return std::unexpected(std::move(*wrong));
  return fail(ErrorCode::unauthenticated, "token of a job: it fits no workload of this gateway");
}

http::Response WorkloadExchange::token_for(const Fit& fit, const std::string& key) {
  const auto life = std::min(fit.terms->life, kLongestTokenLife);
  const auto issued = std::chrono::floor<std::chrono::seconds>(parts_.clock.system_now())
                          .time_since_epoch()
                          .count();
  std::string claims = "{\"iss\":";
  append_json_string(claims, own_issuer(parts_.base_url));
  claims += ",\"sub\":";
  append_json_string(claims, fit.claims.subject);
  claims += ",\"aud\":";
  append_json_string(claims, parts_.base_url);
  claims += fmt::format(R"(,"client_id":"{}","jti":"{}","groups":[)", kClient,
                        to_base64url(parts_.random.bytes(16)));
  for (const std::string& group : fit.terms->groups) {
    if (claims.back() != '[') claims += ',';
    append_json_string(claims, group);
  }
  claims += ']';
  if (!key.empty()) claims += R"(,"cnf":{"jkt":")" + key + "\"}";
  claims += fmt::format(",\"iat\":{},\"exp\":{}}}", issued, issued + life.count());
  http::Response response =
      http::json_response(200, fmt::format(R"({{"access_token":"{}","issued_token_type":)"
                                           R"("urn:ietf:params:oauth:token-type:access_token",)"
                                           R"("token_type":"{}","expires_in":{}}})",
                                           identity::sign_jws(parts_.key, "at+jwt", claims),
                                           key.empty() ? "Bearer" : "DPoP", life.count()));
  return response;
}

asio::awaitable<Result<http::Response>> WorkloadExchange::exchange(std::string subject_token,
                                                                   std::string key,
                                                                   std::string address) {
  const auto invalid = [](const Error& error) {
    return refused(400, "invalid_grant", error.message);
  };
  const auto token = identity::parse_jws(subject_token);
  if (!token) co_return invalid(token.error());
  const auto known = keys_.find(identity::unverified_issuer(subject_token));
  if (known == keys_.end()) {
    co_return refused(400, "invalid_grant",
                      "token of a job: its issuer is none of the workloads' of this gateway");
  }
  const auto keys = co_await known->second->keys_for(subject_token);
  if (keys == nullptr) {
    co_return refused(503, "temporarily_unavailable",
                      "the keys of the token's issuer cannot be had: the gateway's log says why");
  }
  const auto found = fit(*token, *keys);
  if (!found) co_return invalid(found.error());
  const auto fresh = take_once(found->terms->issuer, found->claims);
  if (!fresh) co_return std::unexpected(fresh.error());
  if (!*fresh) {
    parts_.log.warning("workload.token_reused",
                       {{"subject", found->claims.subject}, {"address", address}});
    co_return refused(400, "invalid_grant",
                      "token of a job: it has been used before; ask the platform for another");
  }
  parts_.log.info("workload.login", {{"subject", found->claims.subject},
                                     {"workload", found->terms->name},
                                     {"token", found->claims.id},
                                     {"address", address}});
  co_return token_for(*found, key);
}

asio::awaitable<http::Response> WorkloadExchange::answer(http::Request request,
                                                         http::ConnectionInfo connection) {
  if (request.method != "POST") co_return http::method_not_allowed("POST");
  const auto wait = tries_.take(idp::address_key(connection.peer));
  if (wait.count() > 0) {
    co_return idp::too_many(refused(429, "temporarily_unavailable", "too many tries"),
                            std::chrono::ceil<std::chrono::seconds>(wait));
  }
  if (request.body.size() > kMostForm)
    co_return refused(413, "invalid_request", "the request is too long");
  const auto form = http::Form::parse(request.body);
  if (!form) co_return refused(400, "invalid_request", "the body is no form");
  if (form->find("grant_type").value_or("") != kGrantType)
    co_return refused(400, "unsupported_grant_type", "token exchange alone (RFC 8693)");
  const std::string type(form->find("subject_token_type").value_or(""));
  const std::string token(form->find("subject_token").value_or(""));
  if (token.empty() || std::ranges::find(kTokenTypes, type) == kTokenTypes.end())
    co_return refused(400, "invalid_request", "subject_token is an ID token");
  std::string key;
  if (request.headers.count("DPoP") > 0) {
    auto proven = parts_.proofs.check(request, {});
    if (!proven) {
      const bool late = proven.error().code == ErrorCode::timeout;
      auto out =
          refused(400, late ? "use_dpop_nonce" : "invalid_dpop_proof", proven.error().message);
      out.headers.set("DPoP-Nonce", parts_.proofs.nonce());
      co_return out;
    }
    key = std::move(proven->thumbprint);
  }
  auto response = co_await exchange(token, std::move(key), idp::address_text(connection.peer));
  if (!response) {
    parts_.log.error("workload.failed", {{"error", response.error().message}});
    co_return refused(503, "temporarily_unavailable", "the gateway cannot keep its records");
  }
  response->headers.set("Cache-Control", "no-store");
  co_return std::move(*response);
}

}  // namespace hoop::gateway
