// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway: the commands that make, run and fill a gateway.
#include "cmd/gateway.h"

#include <stdlib.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "gateway/config.h"

namespace hoop::cmd {

Result<void> check_gateway_directory(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::exists(gateway::Layout{directory}.gateway_toml(), error)) return {};
  return fail(ErrorCode::config, fmt::format("'{}' is not a gateway's directory", directory),
              "'hoopctl gateway init DIR' makes one");
}

Result<gateway::Database> open_gateway_database(const std::string& directory) {
  HOOP_CHECK(check_gateway_directory(directory));
  return gateway::Database::open(gateway::Layout{directory}.database());
}

void withhold_libpq_variables(const Environment& environment) {
  for (const auto& [name, value] : environment.variables) {
    if (name.starts_with("PG")) ::unsetenv(name.c_str());
  }
}

void add_gateway(CLI::App& app, Environment& environment) {
  CLI::App* gateway = app.add_subcommand("gateway", "make and run a gateway");
  gateway->require_subcommand(1);
  add_gateway_init(*gateway, environment);
  add_gateway_serve(*gateway, environment);
  add_gateway_user(*gateway, environment);
  add_gateway_role(*gateway, environment);
  add_gateway_target(*gateway, environment);
  add_gateway_ssh_ca(*gateway, environment);
  add_gateway_agent(*gateway, environment);
  add_gateway_audit(*gateway, environment);
  gateway->footer(examples({"hoopctl gateway init /etc/hoopctl --name gw.example",
                            "hoopctl gateway user add /etc/hoopctl alice --group developers",
                            "hoopctl gateway serve /etc/hoopctl"}));
}

}  // namespace hoop::cmd
