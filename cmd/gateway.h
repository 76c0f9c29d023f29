// SPDX-License-Identifier: Apache-2.0
// The commands below `hoopctl gateway`, one file each.
#pragma once

#include "cmd/environment.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

void add_gateway_init(CLI::App& app, Environment& environment);
void add_gateway_serve(CLI::App& app, Environment& environment);
void add_gateway_agent(CLI::App& app, Environment& environment);
void add_gateway_user(CLI::App& app, Environment& environment);

}  // namespace hoop::cmd
