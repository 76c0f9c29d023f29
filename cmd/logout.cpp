// SPDX-License-Identifier: Apache-2.0
// hoopctl logout: revoke the refresh token at the issuer, delete the tokens here, and say which of
// the two happened.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/run.h"

namespace hoop::cmd {
namespace {

Task<void> revoke(Environment& environment, asio::any_io_executor executor,
                  identity::GatewayRecord record, SecretText refresh) {
  HOOP_CO_TRY(const std::unique_ptr<Web> web, Web::open(environment, executor, trust_of(record)));
  HOOP_CO_TRY(const std::unique_ptr<IssuerClient> issuer,
              IssuerClient::open(environment, executor, *web, record));
  co_return co_await issuer->revoke(std::move(refresh));
}

Result<void> log_out(Environment& environment) {
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  HOOP_TRY(const std::string state, environment.state_folder());
  HOOP_TRY(identity::TokenStore store, identity::TokenStore::open(state));
  HOOP_TRY(const identity::TokenLock lock, store.lock(url, std::chrono::seconds(15)));
  HOOP_TRY(std::optional<identity::StoredTokens> tokens, store.load_tokens(lock));
  if (!tokens) {
    environment.console.say("logged_out", fmt::format("not logged in to {}: nothing to do", url),
                            {{"gateway", url}, {"revoked", false}, {"deleted", false}});
    return {};
  }
  HOOP_TRY(const identity::GatewayRecord record, store.load_gateway(url));
  // The tokens are gone from here whatever the issuer says; the issuer is asked first, while we
  // still have them.
  asio::io_context context;
  Result<void> revoked = tokens->refresh.empty()
                             ? fail(ErrorCode::unsupported, "there is no refresh token")
                             : run(context, revoke(environment, context.get_executor(), record,
                                                   std::move(tokens->refresh)));
  HOOP_CHECK(store.remove_tokens(lock));
  if (revoked) {
    environment.console.say(
        "logged_out",
        fmt::format("logged out of {}: the login is revoked there and deleted here", url),
        {{"gateway", url}, {"revoked", true}, {"deleted", true}});
  } else {
    environment.console.warn(
        "logged_out",
        fmt::format("the login to {} is deleted here, but was not revoked there: {}", url,
                    revoked.error().message),
        "it ends by itself when its refresh token expires",
        {{"gateway", url}, {"revoked", false}, {"deleted", true}});
  }
  return {};
}

}  // namespace

void add_logout(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand("logout", "revoke and delete the login");
  command->footer(examples({"hoopctl logout", "hoopctl --gateway https://gw.example logout"}));
  command->callback([&environment] {
    environment.work = [&environment] {
      const auto done = log_out(environment);
      return done ? ExitStatus::ok : environment.give_up(done.error());
    };
  });
}

}  // namespace hoop::cmd
