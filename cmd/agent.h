// SPDX-License-Identifier: Apache-2.0
// The commands below `hoopctl agent`, one file each.
#pragma once

#include "cmd/environment.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

void add_agent_serve(CLI::App& app, Environment& environment);

}  // namespace hoop::cmd
