// SPDX-License-Identifier: Apache-2.0
// hoopctl agent: what runs beside targets that a gateway cannot reach.
#include "cmd/agent.h"

#include <CLI/CLI.hpp>

#include "cmd/command_line.h"

namespace hoop::cmd {

void add_agent(CLI::App& app, Environment& environment) {
  CLI::App* agent = app.add_subcommand("agent", "run beside targets that the gateway cannot reach");
  agent->require_subcommand(1);
  add_agent_serve(*agent, environment);
  agent->footer(
      examples({"hoopctl agent serve --gateway https://gw.example --join-token-file "
                "token --allow db.internal:5432",
                "hoopctl agent serve --allow db.internal:5432"}));
}

}  // namespace hoop::cmd
