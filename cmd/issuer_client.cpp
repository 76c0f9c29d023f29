// SPDX-License-Identifier: Apache-2.0
#include "cmd/issuer_client.h"

#include <algorithm>

#include <fmt/format.h>

#include "cmd/browser_callback.h"
#include "cmd/given_credentials.h"
#include "core/http/url.h"
#include "core/identity/dpop.h"

namespace hoop::cmd {
namespace {

constexpr auto kPollTime = std::chrono::seconds(20);
constexpr auto kBrowserTime = std::chrono::minutes(10);  // a person who looks for a second factor

/// What went wrong on the way, for somebody who wants to reach a gateway.
Error on_the_way(Error error) {
  if (error.code == ErrorCode::integrity) {
    error.code = ErrorCode::config;
    if (error.message.find("certificate") == std::string::npos)
      error.message = "the gateway's certificate: " + error.message;
    std::string hint =
        "hoopctl login --gateway URL with --ca FILE or --ca-sha256 HEX, as its operator gives them";
    error.hint = error.hint.empty() ? hint : error.hint + "; " + hint;
  } else if (error.code == ErrorCode::malformed || error.code == ErrorCode::too_large ||
             error.code == ErrorCode::io) {
    error.code = ErrorCode::upstream_unreachable;
  }
  return error;
}

}  // namespace

Result<http::ClientOptions> client_options(const Environment& environment) {
  http::ClientOptions options;
  http::ProxyEnvironment proxy;
  proxy.https_proxy = environment.variable("https_proxy")
                          .value_or(environment.variable("HTTPS_PROXY").value_or(""));
  proxy.no_proxy =
      environment.variable("no_proxy").value_or(environment.variable("NO_PROXY").value_or(""));
  HOOP_TRY(options.proxy, http::Proxy::from_environment(proxy));
  return options;
}

Result<std::unique_ptr<Web>> Web::open(const Environment& environment,
                                       asio::any_io_executor executor, net::Trust trust,
                                       std::uint64_t max_body) {
  HOOP_TRY(http::ClientOptions options, client_options(environment));
  options.max_body = max_body;
  HOOP_TRY(http::Client client,
           http::Client::create(std::move(executor), std::move(trust), std::move(options)));
  return std::unique_ptr<Web>(new Web(std::move(client), environment.clock));
}

Task<http::Response> Web::send(std::string method, std::string url, http::Headers headers,
                               std::string body, std::chrono::milliseconds patience) {
  HOOP_CO_TRY(http::Url parsed, http::parse_url(url));
  if (parsed.scheme != "https")
    co_return fail(ErrorCode::config, fmt::format("'{}' is not an https:// URL", remote_text(url)));
  auto response = co_await client_.send(std::move(method), std::move(parsed), std::move(headers),
                                        std::move(body), Deadline::after(clock_, patience));
  if (!response)
    co_return std::unexpected(on_the_way(std::move(response).error()).within("gateway"));
  co_return std::move(*response);
}

Task<http::Client::UpgradeAnswer> Web::upgrade(std::string url, std::string protocol,
                                               http::Client::UpgradeHeaders headers,
                                               std::chrono::milliseconds patience) {
  HOOP_CO_TRY(http::Url parsed, http::parse_url(url));
  if (parsed.scheme != "https")
    co_return fail(ErrorCode::config, fmt::format("'{}' is not an https:// URL", remote_text(url)));
  auto answer = co_await client_.upgrade(std::move(parsed), std::move(protocol), std::move(headers),
                                         Deadline::after(clock_, patience));
  if (!answer) co_return std::unexpected(on_the_way(std::move(answer).error()).within("gateway"));
  co_return std::move(*answer);
}

Task<std::string> Web::get(std::string url) {
  http::Headers headers{{"Accept", "application/json"}};
  auto response = co_await send("GET", url, std::move(headers), std::string());
  if (!response) co_return std::unexpected(std::move(response).error());
  if (response->status != 200) {
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("'{}' answered {} {}", remote_text(url), response->status,
                               http::reason_phrase(response->status)),
                   "is this the gateway's URL?");
  }
  co_return std::move(response->body);
}

Result<std::unique_ptr<IssuerClient>> IssuerClient::open(const Environment& environment,
                                                         asio::any_io_executor executor,
                                                         Web& gateway,
                                                         const identity::GatewayRecord& record) {
  std::unique_ptr<IssuerClient> out(new IssuerClient(environment.clock, environment.random,
                                                     record.issuer, record.client_id,
                                                     record.login_parameters));
  HOOP_TRY(const identity::HttpsUrl issuer, identity::parse_https_url(record.issuer));
  HOOP_TRY(const identity::HttpsUrl own, identity::parse_https_url(record.url));
  if (issuer.origin() == own.origin()) {
    out->web_ = &gateway;
  } else {
    net::Trust trust;
    trust.ca_pem = record.issuer_ca_pem;
    HOOP_TRY(out->own_web_, Web::open(environment, std::move(executor), std::move(trust)));
    out->web_ = out->own_web_.get();
  }
  return out;
}

Task<identity::IssuerMetadata> IssuerClient::discover() {
  HOOP_CO_TRY(std::string body, co_await web_->get(identity::metadata_url(issuer_)));
  auto metadata = identity::parse_issuer_metadata(body, issuer_);
  if (!metadata)
    co_return std::unexpected(std::move(metadata).error().within("the issuer's metadata"));
  if (metadata->token_endpoint.empty()) {
    co_return fail(ErrorCode::malformed,
                   fmt::format("the issuer '{}' gives no tokens: its metadata names no endpoint",
                               remote_text(issuer_)),
                   "the gateway's operator has named another one than meant, in [gateway.oidc]");
  }
  co_return std::move(*metadata);
}

Task<http::Response> IssuerClient::post_form(std::string url, SecretText form,
                                             SecretText authorization, std::string proof) {
  http::Headers headers{{"Content-Type", "application/x-www-form-urlencoded"},
                        {"Accept", "application/json"}};
  if (!authorization.reveal().empty()) headers.set("Authorization", authorization.reveal());
  if (!proof.empty()) headers.set("DPoP", std::move(proof));
  co_return co_await web_->send("POST", std::move(url), std::move(headers), form.reveal(),
                                kPollTime);
}

void IssuerClient::choose_key(const identity::IssuerMetadata& issuer) {
  if (!key_ && std::ranges::find(issuer.proof_algorithms, "ES256") != issuer.proof_algorithms.end())
    key_ = crypto::P256Key::generate();
}

Task<http::Response> IssuerClient::ask_for_tokens(std::string url, SecretText form,
                                                  SecretText authorization) {
  for (int attempt = 0;; ++attempt) {
    std::string proof;
    if (key_)
      proof = identity::make_proof(*key_, {"POST", url, {}}, nonce_, clock_.system_now(), random_);
    auto answer = co_await post_form(url, form.clone(), authorization.clone(), std::move(proof));
    if (!answer || !key_) co_return answer;
    const auto nonce = answer->headers.only("DPoP-Nonce");
    if (nonce) nonce_ = *nonce;
    const bool wanted = nonce && (answer->status == 400 || answer->status == 401) &&
                        identity::oauth_error(answer->body) == "use_dpop_nonce";
    if (!wanted || attempt > 0) co_return answer;
  }
}

Result<identity::TokenSet> IssuerClient::with_key(Result<identity::TokenSet> tokens) const {
  if (!tokens || !tokens->bound) return tokens;
  if (!key_)
    return fail(ErrorCode::malformed, "the issuer's tokens are bound to a key that is not ours",
                "hoopctl logout, then hoopctl login");
  tokens->key = key_->to_pem();
  return tokens;
}

Task<identity::TokenSet> IssuerClient::log_in(std::string host_name, Announce announce) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (issuer.device_authorization_endpoint.empty()) {
    co_return fail(ErrorCode::unsupported,
                   fmt::format("the issuer '{}' has no device flow", remote_text(issuer_)),
                   issuer.authorization_endpoint.empty() ? "" : "run: hoopctl login --browser");
  }
  identity::DeviceLogin login(client_id_, std::move(host_name), clock_, parameters_);
  HOOP_CO_TRY(http::Response begun,
              co_await post_form(issuer.device_authorization_endpoint, login.start_request()));
  HOOP_CO_TRY(const identity::DevicePrompt prompt, login.started(begun.status, begun.body));
  announce(prompt);
  choose_key(issuer);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_at(login.next_poll());
    co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    auto answer = co_await ask_for_tokens(issuer.token_endpoint, login.poll_request());
    if (!answer) {
      // The network may come back before the code expires; a certificate that has changed will not,
      // nor will an endpoint that has moved.
      if (answer.error().code == ErrorCode::config ||
          answer.error().code == ErrorCode::upstream_refused)
        co_return std::unexpected(std::move(answer).error());
      HOOP_CO_CHECK(login.poll_failed());
      continue;
    }
    HOOP_CO_TRY(std::optional<identity::TokenSet> tokens,
                login.polled(answer->status, answer->body));
    if (tokens) co_return with_key(std::move(*tokens));
  }
}

Task<identity::TokenSet> IssuerClient::log_in_by_browser(
    Random& random, std::function<void(const std::string&)> open) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  HOOP_CO_TRY(const std::unique_ptr<BrowserCallback> callback,
              BrowserCallback::listen(co_await asio::this_coro::executor));
  const identity::BrowserLogin login(client_id_, callback->redirect_uri(), parameters_, random);
  HOOP_CO_TRY(const std::string page, login.page(issuer));
  open(page);
  choose_key(issuer);
  HOOP_CO_TRY(const SecretText code, co_await callback->wait(login, issuer, kBrowserTime));
  HOOP_CO_TRY(const http::Response answer,
              co_await ask_for_tokens(issuer.token_endpoint, login.code_request(code)));
  co_return with_key(identity::BrowserLogin::redeemed(answer.status, answer.body));
}

Task<identity::TokenSet> IssuerClient::log_in_by(identity::LoginMethod login, Random& random) {
  HOOP_CO_TRY(identity::ServiceClient client, read_service_client(login));
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  choose_key(issuer);
  identity::ServiceRequest request =
      identity::service_request(client, issuer, parameters_, clock_.system_now(), random);
  HOOP_CO_TRY(const http::Response answer,
              co_await ask_for_tokens(issuer.token_endpoint, std::move(request.form),
                                      std::move(request.authorization)));
  co_return with_key(identity::parse_service_answer(answer.status, answer.body));
}

Task<identity::TokenSet> IssuerClient::refresh(SecretText refresh_token, SecretText key) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (!key.empty()) {
    HOOP_CO_TRY(crypto::P256Key read, crypto::P256Key::from_pem(key.reveal()));
    key_ = std::move(read);
  }
  HOOP_CO_TRY(
      const http::Response answer,
      co_await ask_for_tokens(issuer.token_endpoint,
                              identity::refresh_request(client_id_, refresh_token, parameters_)));
  co_return with_key(identity::parse_refresh_answer(answer.status, answer.body));
}

Task<void> IssuerClient::revoke(SecretText refresh_token) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (issuer.revocation_endpoint.empty())
    co_return fail(ErrorCode::unsupported, "the issuer has no revocation");
  HOOP_CO_TRY(const http::Response answer,
              co_await post_form(issuer.revocation_endpoint,
                                 identity::revocation_request(client_id_, refresh_token)));
  if (answer.status != 200)
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("the issuer answered {}", answer.status));
  co_return Result<void>{};
}

net::Trust trust_of(const identity::GatewayRecord& record) {
  net::Trust out;
  out.ca_pem = record.ca_pem;
  if (!record.ca_sha256.empty()) out.ca_sha256 = record.ca_sha256;
  return out;
}

identity::StoredTokens to_store(identity::TokenSet tokens, const identity::GatewayRecord& record,
                                SystemTime now) {
  identity::StoredTokens out;
  out.subject = identity::unverified_subject(tokens.access_token).value_or("");
  out.access = std::move(tokens.access_token);
  out.refresh = std::move(tokens.refresh_token);
  out.obtained_at = now;
  out.expires_at = now + tokens.expires_in;
  out.issuer = record.issuer;
  if (tokens.bound) out.key = std::move(tokens.key);
  return out;
}

}  // namespace hoop::cmd
