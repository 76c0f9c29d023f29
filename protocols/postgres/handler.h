// SPDX-License-Identifier: Apache-2.0
// PostgreSQL sessions: the maker of their handler, and of the benchmark's byte relay.
#pragma once

#include <memory>

#include "core/session/session_engine.h"

namespace hoop::postgres {

/// Judges, masks and records every message of every connection. context outlives the handler. Fails
/// with config (a grant for another protocol, or without a credential). serve() must run on a deep
/// stack: see core/process/deep_stack.h.
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context);

/// The same, for sessions that share what they can: of a process that runs many.
session::HandlerFactory sharing_handlers();

/// Logs in and then copies bytes both ways: no policy, no masking, no records. The anchor that
/// benchmarks measure against; nothing that a user can reach makes one.
Result<std::unique_ptr<session::ProtocolHandler>> make_relay_handler(
    session::SessionContext context);

}  // namespace hoop::postgres
