// SPDX-License-Identifier: Apache-2.0
// The relay process of one SSH client: it holds a session with the client and one with the target,
// asks its monitor before it passes anything on (relay_frames.h), and knows neither policy nor
// masks nor record. A fault in an SSH library reaches no further than this.
#pragma once

#include "core/base/descriptor.h"

namespace hoop::ssh {

/// Runs in a process of its own until either session has ended, or control is closed. client,
/// target and control are connected, all of them
/// SOCK_STREAM. Answers the exit status of the process:
/// 0 when a client was served, however that ended.
int run_relay(Descriptor control, Descriptor client, Descriptor target);

}  // namespace hoop::ssh
