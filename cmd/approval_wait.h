// SPDX-License-Identifier: Apache-2.0
// How long an action waits for an approver before its program is told that it is pending.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/environment.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

inline constexpr std::chrono::seconds kLongestWait = std::chrono::hours(1);

/// "45s", "10m", or a number of seconds; name says where it stands. Fails with usage, also above
/// kLongestWait.
Result<std::chrono::seconds> read_wait(std::string_view name, const std::string& text);

/// The option, else HOOPCTL_WAIT, else what whoever runs us can bear: tools of agents end a command
/// after a minute or two, people and CI jobs can wait. Fails with usage.
Result<std::chrono::seconds> approval_wait(const Environment& environment,
                                           const std::optional<std::string>& option);

/// --wait of the commands that run actions.
void add_wait_option(CLI::App& command, std::optional<std::string>& option);

}  // namespace hoop::cmd
