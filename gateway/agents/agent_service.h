// SPDX-License-Identifier: Apache-2.0
// The routes of agents: POST /v1/agents/join, GET /v1/agents/{name}/control and
// /v1/agents/{name}/streams/{number}. The agent's key is the login.
#pragma once

#include "core/http/server.h"
#include "gateway/agents/agents.h"
#include "gateway/idp/try_limiter.h"

namespace hoop::gateway {

/// What begins with /v1/agents/.
bool is_agent_path(std::string_view path);

/// On one io_context.
class AgentService {
 public:
  /// Outlives every request.
  AgentService(std::shared_ptr<Agents> agents, std::string gateway_id);
  asio::awaitable<http::Response> answer(http::Request request, http::ConnectionInfo connection);

 private:
  asio::awaitable<http::Response> join(http::Request request, http::ConnectionInfo connection);
  asio::awaitable<http::Response> open_control(AgentProof proof, std::string peer);
  http::Response open_stream(const AgentProof& proof, std::string_view number);

  std::shared_ptr<Agents> agents_;
  std::string gateway_id_;
  idp::TryLimiter tries_;  // of join tokens, by address
};

}  // namespace hoop::gateway
