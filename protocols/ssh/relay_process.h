// SPDX-License-Identifier: Apache-2.0
// The relay's process: this program once more, under another name. Executed anew, so that nothing
// of the memory of the process that starts it is in it.
#pragma once

#include "protocols/ssh/handler.h"

namespace hoop::ssh {

/// argv[0] of it. main() hands over to run_relay_process() once it has hardened the process.
inline constexpr std::string_view kRelayName = "hoopctl-ssh-relay";

/// A StartRelay.
Result<pid_t> start_relay_process(RelaySockets sockets);

/// argv names the descriptors. Answers the process's exit status.
int run_relay_process(int argc, char** argv);

}  // namespace hoop::ssh
