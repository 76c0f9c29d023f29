// SPDX-License-Identifier: Apache-2.0
// The dialer of a target that is reached through an agent.
#pragma once

#include "core/net/dialer.h"
#include "gateway/agents/agents.h"

namespace hoop::gateway {

class AgentDialer final : public net::Dialer {
 public:
  /// labels: the target's.
  AgentDialer(std::shared_ptr<Agents> agents, Labels labels)
      : agents_(std::move(agents)), labels_(std::move(labels)) {}
  Task<net::StreamPtr> dial(std::string host, std::uint16_t port, Deadline deadline) override {
    return agents_->dial(labels_, std::move(host), port, deadline);
  }

 private:
  std::shared_ptr<Agents> agents_;
  Labels labels_;
};

}  // namespace hoop::gateway
