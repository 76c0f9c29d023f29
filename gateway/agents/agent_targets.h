// SPDX-License-Identifier: Apache-2.0
// How each configured target is reached, by its issuer and by its sessions: directly or through an
// agent.
#pragma once

#include <functional>

#include "gateway/agents/agent_dialer.h"
#include "gateway/agents/loopback_bridge.h"
#include "gateway/config.h"
#include "gateway/grants.h"
#include "gateway/live_sessions.h"

namespace hoop::gateway {

struct ReachParts {
  std::shared_ptr<Agents> agents;
  LoopbackBridge& bridge;  // outlives the pool's work
  /// Of certificates; none where no target asks for one.
  std::shared_ptr<const crypto::Ed25519Key> ssh_authority = nullptr;
};

/// The targets with their issuers. What is borrowed outlives them.
std::vector<GrantTarget> make_targets(const GatewayConfig& config, const ReachParts& reach,
                                      const Clock& clock, Random& random, Metrics& metrics);

/// Of the configured targets.
DialerFactory make_dialers(const GatewayConfig& config, std::shared_ptr<Agents> agents);

}  // namespace hoop::gateway
