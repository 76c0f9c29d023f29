// SPDX-License-Identifier: Apache-2.0
#include "cmd/approver_login.h"

#include <algorithm>

#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "cmd/issuer_client.h"
#include "core/identity/token_request.h"

namespace hoop::cmd {
namespace {

using LoginKind = identity::LoginMethod::Kind;

Result<identity::GatewayRecord> gateway_of_person(const Environment& environment,
                                                  const std::string& url) {
  if (!environment.claimed_agent().empty())
    return fail(ErrorCode::denied, "requests are decided by people", "run this outside the agent");
  const auto no_sign_in = [] {
    return fail(ErrorCode::usage, "requests are decided by people: a token that is given is none",
                "run: hoopctl login, without a token, a secret or a key");
  };
  if (!environment.token.empty() || !environment.settings.token_file.empty()) return no_sign_in();
  HOOP_TRY(const std::string state, environment.state_folder());
  HOOP_TRY(const identity::TokenStore store, identity::TokenStore::open(state));
  auto record = store.load_gateway(url);
  if (!record && record.error().code == ErrorCode::not_found)
    return std::unexpected(not_logged_in(url));
  if (record && record->login.kind != LoginKind::person) return no_sign_in();
  return record;
}

void announce_sign_in(Console& console, const identity::DevicePrompt& prompt) {
  const std::string& complete = prompt.verification_uri_complete;
  const std::string sentence =
      fmt::format("to decide, sign in at {} and confirm the code {}",
                  complete.empty() ? prompt.verification_uri : complete, prompt.user_code);
  console.insist("approval_sign_in", sentence,
                 {{"verification_uri", prompt.verification_uri},
                  {"verification_uri_complete", complete.empty() ? Value() : Value(complete)},
                  {"user_code", prompt.user_code},
                  {"expires_in", std::int64_t{prompt.expires_in.count()}}});
}

/// The hints of a login lead to another one, which decides nothing.
Error not_signed_in(Error error, const identity::GatewayRecord& gateway) {
  if (error.code == ErrorCode::denied || error.code == ErrorCode::timeout ||
      error.code == ErrorCode::unauthenticated)
    error.hint = "run the command again";
  if (error.code == ErrorCode::unsupported) error.hint = "without it nobody decides there";
  if (error.code == ErrorCode::upstream_refused)
    error.hint = fmt::format("does the issuer give the scope '{}'? the gateway's operator can tell",
                             remote_text(gateway.approving_scope));
  return std::move(error).within("sign in to decide");
}

}  // namespace

identity::RequestParameters approving_parameters(const identity::GatewayRecord& gateway) {
  identity::RequestParameters out = gateway.login_parameters;
  std::string& scope = out["scope"];
  std::string wanted;
  for (std::string_view rest = scope; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    // It asks for a refresh token, and what is not given need not be thrown away.
    if (!word.empty() && word != "offline_access") wanted.append(word).append(" ");
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  // OpenID Connect Core §3.1.2.1: who has signed in longer ago does so again. Of 0, which should
  // say the same, node's oidc-provider makes nothing in a device flow.
  if (identity::scope_has(wanted, "openid")) out["max_age"] = "1";
  scope = wanted + gateway.approving_scope;
  return out;
}

Task<Presented> sign_in_to_approve(Environment& environment, asio::any_io_executor executor,
                                   std::string url) {
  HOOP_CO_TRY(const identity::GatewayRecord gateway, gateway_of_person(environment, url));
  HOOP_CO_TRY(const std::unique_ptr<Web> web, Web::open(environment, executor, trust_of(gateway)));
  HOOP_CO_TRY(const std::unique_ptr<IssuerClient> issuer,
              IssuerClient::open(environment, executor, *web, gateway));
  IssuerClient::Announce announce = [&environment](const identity::DevicePrompt& prompt) {
    announce_sign_in(environment.console, prompt);
  };
  auto tokens =
      co_await issuer->log_in_with(approving_parameters(gateway), host_name(), std::move(announce));
  if (!tokens) co_return std::unexpected(not_signed_in(std::move(tokens).error(), gateway));
  // A refresh token that came nevertheless goes with the rest. It is not revoked: where one sign-in
  // has one grant, that would end the person's login too (RFC 7009 §2.1).
  Presented out{std::move(tokens->access_token), {}};
  if (tokens->bound) out.key = std::move(tokens->key);
  co_return out;
}

}  // namespace hoop::cmd
