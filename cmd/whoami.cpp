// SPDX-License-Identifier: Apache-2.0
// hoopctl whoami: who the gateway takes me for.
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/run.h"

namespace hoop::cmd {
namespace {

Result<void> who_am_i(Environment& environment) {
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(const identity::Json me, run(context, client->get("/v1/whoami")));
  environment.console.print(std::vector<Field>{{"gateway", url},
                                               {"subject", value_at(me, "subject")},
                                               {"groups", value_at(me, "groups")},
                                               {"kind", value_at(me, "kind")},
                                               {"expires_at", value_at(me, "expires_at")}});
  return {};
}

}  // namespace

void add_whoami(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand("whoami", "say who the gateway takes me for");
  command->footer(examples({"hoopctl whoami", "hoopctl --output json whoami"}));
  command->callback([&environment] {
    environment.work = [&environment] {
      const auto done = who_am_i(environment);
      return done ? ExitStatus::ok : environment.give_up(done.error());
    };
  });
}

}  // namespace hoop::cmd
