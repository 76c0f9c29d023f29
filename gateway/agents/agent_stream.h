// SPDX-License-Identifier: Apache-2.0
// One agent while it is known to be there, and the streams that go through it.
#pragma once

#include <set>

#include "core/session/agent_control.h"
#include "core/session/tunnel.h"
#include "gateway/agents/agent_store.h"
#include "gateway/agents/agent_words.h"
#include "gateway/metrics.h"

namespace hoop::gateway {

struct AgentStreamState;

/// Shared by the registry and the agent's streams; on one io_context.
struct LiveAgent {
  LiveAgent(std::string name_, Labels serves_, const asio::any_io_executor& executor)
      : name(std::move(name_)), serves(std::move(serves_)), may_return(executor) {}

  bool is_online() const { return control && control->is_open() && !leaving; }
  /// Their users are told why, as why the target is lost.
  void end_streams(const std::string& why);

  std::string name;
  Labels serves;
  std::shared_ptr<session::AgentControl> control;    // none while it may come back
  crypto::Ed25519PublicKey key{};                    // that control was opened with
  std::optional<crypto::Ed25519PublicKey> next_key;  // used, and its control stream is on its way
  bool leaving = false;
  asio::steady_timer may_return;
  std::set<AgentStreamState*> streams;
};

/// A stream to a target through agent. Whatever breaks it but a deadline fails with
/// upstream_unreachable, and says whether the agent was lost or the target.
net::StreamPtr over_agent(std::unique_ptr<session::Tunnel> tunnel, std::shared_ptr<LiveAgent> agent,
                          std::shared_ptr<Metrics> metrics);

}  // namespace hoop::gateway
