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
/// Starts a process that runs run_relay() and answers its id; it is the caller's to wait for. Fails
/// with internal, unsupported.
using StartRelay = std::function<Result<pid_t>(RelaySockets sockets)>;

/// How a session logs in at its target, and how its clients log in to it: everything of a
/// RelaySetup. Asked once a connection. Fails with config, denied.
using SetUpRelay = std::function<Result<RelaySetup>(const access::Grant& grant)>;

/// Each connection has a relay process of its own, whose every act is judged, masked and recorded
/// here. context outlives the handler.
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               StartRelay start, SetUpRelay set_up);

}  // namespace hoop::ssh
