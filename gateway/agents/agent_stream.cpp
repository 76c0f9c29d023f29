// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_stream.h"

#include <fmt/format.h>

namespace hoop::gateway {

/// Shared by a stream and the operations under way on it.
struct AgentStreamState {
  AgentStreamState(std::unique_ptr<session::Tunnel> with, std::shared_ptr<LiveAgent> by,
                   std::shared_ptr<Metrics> counts)
      : tunnel(std::move(with)),
        agent(std::move(by)),
        control(agent->control),
        metrics(std::move(counts)) {
    agent->streams.insert(this);
    metrics->agent_stream_began();
  }
  ~AgentStreamState() {
    leave();
    tunnel->close();
    metrics->agent_stream_ended();
  }
  AgentStreamState(const AgentStreamState&) = delete;
  AgentStreamState& operator=(const AgentStreamState&) = delete;
  void leave() { agent->streams.erase(this); }

  std::shared_ptr<session::Tunnel> tunnel;
  std::shared_ptr<LiveAgent> agent;
  std::weak_ptr<session::AgentControl> control;  // of the dial
  std::shared_ptr<Metrics> metrics;
  Deadline deadline = Deadline::never();
  std::string ended_why;  // by us
  bool closed = false;
};

namespace {

// An agent that dies takes both connections with it; which of the two ends is seen first is chance.
constexpr std::chrono::milliseconds kPauseForLoss{300};

using StatePtr = std::shared_ptr<AgentStreamState>;

Error lost(std::string why) {
  return {ErrorCode::upstream_unreachable,
          std::move(why),
          "connect again; if it stays so, ask whoever runs the agent",
          {}};
}

bool agent_is_gone(const AgentStreamState& state) {
  const auto control = state.control.lock();
  return !control || !control->is_open();
}

/// What an error of the tunnel means for who uses the target.
asio::awaitable<Error> meaning_of(StatePtr state, Error error) {
  if (!state->ended_why.empty()) co_return lost(state->ended_why);
  const bool late = error.code == ErrorCode::timeout &&
                    state->deadline.when() <= std::chrono::steady_clock::now();
  if (state->closed || late || error.code == ErrorCode::cancelled) co_return error;
  // The agent itself has said so.
  if (error.remote == session::kAgentStopping) co_return lost(agent_lost_text());
  if (!error.remote.empty()) co_return lost("the target closed the connection to its agent");
  if (!agent_is_gone(*state)) {
    asio::steady_timer pause(state->tunnel->executor(), kPauseForLoss);
    co_await pause.async_wait(as_result);
  }
  if (!state->ended_why.empty()) co_return lost(state->ended_why);
  co_return lost(agent_is_gone(*state) ? agent_lost_text()
                                       : "the connection to the agent of this target broke");
}

template <class T>
Task<T> explained(StatePtr state, Task<T> operation) {
  auto done = co_await std::move(operation);
  if (done) co_return done;
  co_return std::unexpected(co_await meaning_of(state, std::move(done).error()));
}

class AgentStream final : public net::Stream {
 public:
  explicit AgentStream(StatePtr state) : state_(std::move(state)) {}
  ~AgentStream() override { AgentStream::close(); }
  AgentStream(const AgentStream&) = delete;
  AgentStream& operator=(const AgentStream&) = delete;

  Task<std::size_t> read_some(MutableByteSpan out) override {
    return explained(state_, state_->tunnel->read_some(out));
  }
  Task<void> write_all(ByteSpan in) override {
    return explained(state_, state_->tunnel->write_all(in));
  }
  Task<void> shutdown_write() override {
    return explained(state_, state_->tunnel->shutdown_write());
  }
  void close() override {
    state_->closed = true;
    state_->leave();
    state_->tunnel->close();
  }
  void set_deadline(Deadline deadline) override {
    state_->deadline = deadline;
    state_->tunnel->set_deadline(deadline);
  }
  asio::any_io_executor executor() override { return state_->tunnel->executor(); }
  std::string peer_name() const override { return fmt::format("agent '{}'", state_->agent->name); }

 private:
  StatePtr state_;
};

}  // namespace

void LiveAgent::end_streams(const std::string& why) {
  for (AgentStreamState* stream : std::exchange(streams, {})) {
    stream->ended_why = why;
    stream->tunnel->close();
  }
}

net::StreamPtr over_agent(std::unique_ptr<session::Tunnel> tunnel, std::shared_ptr<LiveAgent> agent,
                          std::shared_ptr<Metrics> metrics) {
  return std::make_unique<AgentStream>(
      std::make_shared<AgentStreamState>(std::move(tunnel), std::move(agent), std::move(metrics)));
}

}  // namespace hoop::gateway
