// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway: the commands that run and configure a gateway.
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"

namespace hoop::cmd {

void add_gateway(CLI::App&, Environment&) {}

}  // namespace hoop::cmd
