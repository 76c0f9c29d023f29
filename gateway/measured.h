// SPDX-License-Identifier: Apache-2.0
// Handlers and issuers that count what they do, around those that do it.
#pragma once

#include "core/session/session_engine.h"
#include "gateway/issuers/credential_issuer.h"
#include "gateway/metrics.h"

namespace hoop::gateway {

/// Handlers of make whose sessions, connections, decisions and masked values are counted. They
/// hold metrics: a connection that is cut off goes with the io_context, later than all else.
session::HandlerFactory measured(session::HandlerFactory make, std::shared_ptr<Metrics> metrics);
/// Counts revocations at the target. metrics outlives it.
std::unique_ptr<CredentialIssuer> measured(std::unique_ptr<CredentialIssuer> issuer,
                                           Metrics& metrics);

}  // namespace hoop::gateway
