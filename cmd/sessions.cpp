// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"

namespace hoop::cmd {

void add_sessions(CLI::App&, Environment&) {}

}  // namespace hoop::cmd
