// SPDX-License-Identifier: Apache-2.0
#include "cmd/issuer_client.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "cmd/browser_callback.h"
#include "cmd/given_credentials.h"

namespace hoop::cmd {
namespace {

constexpr auto kBrowserTime = std::chrono::minutes(10);  // a person who looks for a second factor

}  // namespace

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

void IssuerClient::choose_key(const identity::IssuerMetadata& issuer) {
  if (std::ranges::find(issuer.proof_algorithms, "ES256") != issuer.proof_algorithms.end())
    requests_.make_key();
}

Task<identity::TokenSet> IssuerClient::log_in(std::string host_name, Announce announce) {
  return log_in_with(parameters_, std::move(host_name), std::move(announce));
}

Task<identity::TokenSet> IssuerClient::log_in_with(identity::RequestParameters parameters,
                                                   std::string host_name, Announce announce) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (issuer.device_authorization_endpoint.empty()) {
    co_return fail(ErrorCode::unsupported,
                   fmt::format("the issuer '{}' has no device flow", remote_text(issuer_)),
                   issuer.authorization_endpoint.empty() ? "" : "run: hoopctl login --browser");
  }
  identity::DeviceLogin login(client_id_, std::move(host_name), clock_, std::move(parameters));
  HOOP_CO_TRY(
      http::Response begun,
      co_await requests_.ask(*web_, issuer.device_authorization_endpoint, login.start_request()));
  HOOP_CO_TRY(const identity::DevicePrompt prompt, login.started(begun.status, begun.body));
  announce(prompt);
  choose_key(issuer);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_at(login.next_poll());
    co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    auto answer = co_await requests_.ask(*web_, issuer.token_endpoint, login.poll_request());
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
    if (tokens) co_return requests_.with_key(std::move(*tokens));
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
              co_await requests_.ask(*web_, issuer.token_endpoint, login.code_request(code)));
  co_return requests_.with_key(identity::BrowserLogin::redeemed(answer.status, answer.body));
}

Task<identity::TokenSet> IssuerClient::log_in_by(identity::LoginMethod login, Random& random) {
  HOOP_CO_TRY(identity::ServiceClient client, read_service_client(login));
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  choose_key(issuer);
  identity::ServiceRequest request =
      identity::service_request(client, issuer, parameters_, clock_.system_now(), random);
  HOOP_CO_TRY(const http::Response answer,
              co_await requests_.ask(*web_, issuer.token_endpoint, std::move(request.form),
                                     std::move(request.authorization)));
  co_return requests_.with_key(identity::parse_service_answer(answer.status, answer.body));
}

Task<identity::TokenSet> IssuerClient::refresh(SecretText refresh_token, SecretText key) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (!key.empty()) {
    HOOP_CO_CHECK(requests_.use_key(key));
  }
  HOOP_CO_TRY(
      const http::Response answer,
      co_await requests_.ask(*web_, issuer.token_endpoint,
                             identity::refresh_request(client_id_, refresh_token, parameters_)));
  co_return requests_.with_key(identity::parse_refresh_answer(answer.status, answer.body));
}

Task<void> IssuerClient::revoke(SecretText refresh_token) {
  HOOP_CO_TRY(const identity::IssuerMetadata issuer, co_await discover());
  if (issuer.revocation_endpoint.empty())
    co_return fail(ErrorCode::unsupported, "the issuer has no revocation");
  HOOP_CO_TRY(const http::Response answer,
              co_await requests_.ask(*web_, issuer.revocation_endpoint,
                                     identity::revocation_request(client_id_, refresh_token)));
  if (answer.status != 200)
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("the issuer answered {}", answer.status));
  co_return Result<void>{};
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
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
