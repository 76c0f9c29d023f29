// SPDX-License-Identifier: Apache-2.0
// The parts of hoopctl policy.
#pragma once

#include <CLI/CLI.hpp>

#include "cmd/environment.h"

namespace hoop::cmd {

void add_policy_explain(CLI::App& policy, Environment& environment);

}  // namespace hoop::cmd
