// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway: the commands that make, run and fill a gateway.
#include "cmd/gateway.h"

#include <CLI/CLI.hpp>

#include "cmd/command_line.h"

namespace hoop::cmd {

void add_gateway(CLI::App& app, Environment& environment) {
  CLI::App* gateway = app.add_subcommand("gateway", "make and run a gateway");
  gateway->require_subcommand(1);
  add_gateway_init(*gateway, environment);
  add_gateway_serve(*gateway, environment);
  add_gateway_user(*gateway, environment);
  add_gateway_agent(*gateway, environment);
  gateway->footer(examples({"hoopctl gateway init /etc/hoopctl --name gw.example",
                            "hoopctl gateway user add /etc/hoopctl alice --group developers",
                            "hoopctl gateway serve /etc/hoopctl"}));
}

}  // namespace hoop::cmd
