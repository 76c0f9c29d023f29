// SPDX-License-Identifier: Apache-2.0
// How an agent becomes known to a gateway: a join token, once, against its public key.
#pragma once

#include "agent/agent_file.h"
#include "core/http/client.h"

namespace hoop::agent {

/// Answers the agent's name. With the same key it may be asked again: an answer may be lost. Fails
/// with unauthenticated (the token is not good), upstream_refused, malformed, or as client does.
Task<std::string> join(http::Client& client, AgentIdentity identity, SecretText token,
                       Deadline deadline);

}  // namespace hoop::agent
