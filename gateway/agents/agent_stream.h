// SPDX-License-Identifier: Apache-2.0
// One agent while it is known to be there, and the streams that go through it: each on the loop of
// who uses it.
#pragma once

#include <atomic>
#include <set>

#include "core/session/agent_control.h"
#include "core/session/tunnel.h"
#include "gateway/agents/agent_store.h"
#include "gateway/agents/agent_words.h"
#include "gateway/metrics.h"

namespace hoop::gateway {

struct AgentStreamState;

/// A control stream, as the streams that were dialed by it see it. Any thread.
class AgentLine {
 public:
  bool is_open() const { return open_; }
  void close() { open_ = false; }

 private:
  std::atomic<bool> open_ = true;
};

/// A stream's place among those of its agent.
struct AgentStreamPlace {
  asio::any_io_executor loop;  // the stream's
  std::shared_ptr<const AgentLine> line;
  // The stream's loop alone.
  std::weak_ptr<AgentStreamState> stream;
  std::string ended_why;  // by us; also of a stream that is not there yet
};

/// On the agents' loop.
struct LiveAgent {
  LiveAgent(std::string name_, Labels serves_, const asio::any_io_executor& executor)
      : name(std::move(name_)), serves(std::move(serves_)), may_return(executor) {}

  bool is_online() const { return control && control->is_open() && !leaving; }
  /// Their users are told why, as why the target is lost.
  void end_streams(const std::string& why);

  std::string name;
  Labels serves;
  std::shared_ptr<session::AgentControl> control;                   // none while it may come back
  std::shared_ptr<AgentLine> line = std::make_shared<AgentLine>();  // of control
  crypto::Ed25519PublicKey key{};                                   // that control was opened with
  std::optional<crypto::Ed25519PublicKey> next_key;  // used, and its control stream is on its way
  bool leaving = false;
  asio::steady_timer may_return;
  std::set<std::shared_ptr<AgentStreamPlace>> streams;
};

/// A stream that an agent has dialed back, on its way to who asked for it. Gives its place up where
/// it is not used.
class AgentDialed {
 public:
  AgentDialed(net::StreamPtr stream, std::shared_ptr<AgentStreamPlace> place,
              std::shared_ptr<LiveAgent> agent);
  ~AgentDialed();
  AgentDialed(AgentDialed&&) noexcept = default;
  AgentDialed& operator=(AgentDialed&&) = delete;

  net::StreamPtr stream;
  std::shared_ptr<AgentStreamPlace> place;
  std::string agent_name;

 private:
  asio::any_io_executor home_;
  std::shared_ptr<LiveAgent> agent_;  // goes on home_
};

/// A stream to a target, over a tunnel that was begun on dialed's; on the loop of dialed's place.
/// Whatever breaks it but a deadline fails with upstream_unreachable, and says whether the agent
/// was lost or the target.
net::StreamPtr over_agent(std::unique_ptr<session::Tunnel> tunnel, AgentDialed dialed,
                          std::shared_ptr<Metrics> metrics);

}  // namespace hoop::gateway
