// SPDX-License-Identifier: Apache-2.0
// SSH sessions: the maker of their handler.
#pragma once

#include <functional>
#include <memory>

#include "core/base/descriptor.h"
#include "core/session/session_engine.h"
#include "protocols/ssh/relay_frames.h"

namespace hoop::ssh {

/// A relay's ends of its three sockets.
struct RelaySockets {
  Descriptor control, client, target;
};
/// Starts a process that runs run_relay() and answers its id; it is a child of this one, which the
/// caller ends. Fails with internal, unsupported.
using StartRelay = std::function<Result<pid_t>(RelaySockets sockets)>;

/// Each connection has a relay process of its own, whose every act is judged, masked and recorded
/// here. context outlives the handler. Fails with config for a grant that is not for SSH.
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               StartRelay start);
/// With relays that are this program once more (relay_process.h).
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context);

}  // namespace hoop::ssh
