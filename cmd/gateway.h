// SPDX-License-Identifier: Apache-2.0
// The commands below `hoopctl gateway`, one file each.
#pragma once

#include "cmd/environment.h"
#include "gateway/sqlite.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

/// Fails with config where 'gateway init' has made nothing.
Result<void> check_gateway_directory(const std::string& directory);
/// The state of a gateway that may be running. Fails with config, storage.
Result<gateway::Database> open_gateway_database(const std::string& directory);

/// Keeps, before it is done, what is done by a command at the gateway itself. Fails with storage.
Result<void> record_act(const Environment& environment, gateway::Database& database,
                        std::string act, std::string what, std::string words = {});

/// libpq takes what is not said from PG* variables: none of the operator's own may reach an issuer.
void withhold_libpq_variables(const Environment& environment);

void add_gateway_audit(CLI::App& app, Environment& environment);
void add_gateway_init(CLI::App& app, Environment& environment);
void add_gateway_serve(CLI::App& app, Environment& environment);
void add_gateway_agent(CLI::App& app, Environment& environment);
void add_gateway_role(CLI::App& app, Environment& environment);
void add_gateway_ssh_ca(CLI::App& app, Environment& environment);
void add_gateway_target(CLI::App& app, Environment& environment);
void add_gateway_user(CLI::App& app, Environment& environment);

}  // namespace hoop::cmd
