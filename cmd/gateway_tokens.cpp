// SPDX-License-Identifier: Apache-2.0
// Where the tokens of a GatewayClient come from.
#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "cmd/given_credentials.h"

namespace hoop::cmd {
namespace {

constexpr auto kLockTries = 150;  // of 100 ms: longer than a refresh by another process can take

Result<SecretText> given_text(const Environment& environment) {
  if (!environment.token.empty()) return environment.token.clone();
  return read_token_file(environment.settings.token_file);
}

}  // namespace

Error not_logged_in(std::string_view url) {
  return {ErrorCode::unauthenticated,
          fmt::format("not logged in to {}", url),
          fmt::format("run: hoopctl login --gateway {}", url),
          {}};
}

Task<Presented> GatewayClient::given_bearer() {
  const SystemTime now = environment_.clock.system_now();
  if (given_ && !given_->wants_refresh(now)) co_return presented(*given_);
  const std::string from = environment_.token.empty() ? "HOOPCTL_TOKEN_FILE" : "HOOPCTL_TOKEN";
  auto text = given_text(environment_);
  if (!text) co_return std::unexpected(std::move(text).error().within(from));
  auto tokens = co_await redeem(*web_, record_.url, std::move(*text), environment_.clock,
                                environment_.random);
  if (!tokens) {
    // A job's token is taken once: what it gave is good to its own end.
    if (given_ && !given_->expired(now)) co_return presented(*given_);
    co_return std::unexpected(std::move(tokens).error().within(from));
  }
  given_ = to_store(std::move(*tokens), record_, now);
  co_return presented(*given_);
}

Task<Presented> GatewayClient::bearer() {
  if (is_given_) co_return co_await given_bearer();

  HOOP_CO_TRY(std::optional<identity::StoredTokens> tokens, store_.load_tokens(record_.url));
  if (!tokens) co_return std::unexpected(not_logged_in(record_.url));
  if (!tokens->wants_refresh(environment_.clock.system_now())) co_return presented(*tokens);
  co_return co_await refreshed_bearer();
}

Task<identity::TokenSet> GatewayClient::obtain(SecretText refresh, SecretText key) {
  using Kind = identity::LoginMethod::Kind;
  if (record_.login.kind == Kind::token_file) {
    HOOP_CO_TRY(SecretText given, read_token_file(record_.login.file));
    co_return co_await redeem(*web_, record_.url, std::move(given), environment_.clock,
                              environment_.random);
  }
  HOOP_CO_TRY(const std::unique_ptr<IssuerClient> issuer,
              IssuerClient::open(environment_, executor_, *web_, record_));
  if (record_.login.kind == Kind::person)
    co_return co_await issuer->refresh(std::move(refresh), std::move(key));
  co_return co_await issuer->log_in_by(record_.login, environment_.random);
}

Task<Presented> GatewayClient::refreshed_bearer() {
  std::optional<identity::TokenLock> lock;
  asio::steady_timer pause(executor_);
  for (int i = 0; !lock && i < kLockTries; ++i) {
    HOOP_CO_TRY(auto tried, store_.try_lock(record_.url));
    if (tried) {
      lock.emplace(std::move(*tried));
      break;
    }
    pause.expires_after(std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }
  if (!lock)
    co_return fail(ErrorCode::timeout, "another hoopctl holds the tokens' lock",
                   "is one of them stopped?");
  // Another process may have refreshed them while we waited.
  HOOP_CO_TRY(std::optional<identity::StoredTokens> tokens, store_.load_tokens(*lock));
  if (!tokens) co_return std::unexpected(not_logged_in(record_.url));
  const SystemTime now = environment_.clock.system_now();
  if (!tokens->wants_refresh(now)) co_return presented(*tokens);
  const bool expired = tokens->expired(now);
  const bool by_itself = record_.login.kind != identity::LoginMethod::Kind::person;
  if (tokens->refresh.empty() && !by_itself) {
    if (expired) co_return std::unexpected(not_logged_in(record_.url));
    co_return presented(*tokens);
  }
  auto fresh = co_await obtain(tokens->refresh.clone(), tokens->key.clone());
  if (!fresh) {
    if (fresh.error().code == ErrorCode::unauthenticated && !by_itself) {
      co_return std::unexpected(Error{ErrorCode::unauthenticated,
                                      fmt::format("the login to {} has ended", record_.url),
                                      fmt::format("run: hoopctl login --gateway {}", record_.url),
                                      {}});
    }
    // The old access token is good for a while, and the issuer may be back by then.
    if (!expired) co_return presented(*tokens);
    co_return std::unexpected(std::move(fresh).error().within("refresh the login"));
  }
  // A file that nobody has replaced yet: nothing to keep.
  if (by_itself && fresh->access_token.reveal() == tokens->access.reveal())
    co_return presented(*tokens);
  if (fresh->refresh_token.empty()) fresh->refresh_token = std::move(tokens->refresh);
  const identity::StoredTokens stored = to_store(std::move(*fresh), record_, now);
  HOOP_CO_CHECK(store_.save_tokens(*lock, stored));
  co_return presented(stored);
}

}  // namespace hoop::cmd
