// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_stream.h"

#include <fmt/format.h>

namespace hoop::gateway {

AgentDialed::AgentDialed(net::StreamPtr stream_, std::shared_ptr<AgentStreamPlace> place_,
                         std::shared_ptr<LiveAgent> agent)
    : stream(std::move(stream_)),
      place(std::move(place_)),
      agent_name(agent->name),
      home_(agent->may_return.get_executor()),
      agent_(std::move(agent)) {
  agent_->streams.insert(place);
}

AgentDialed::~AgentDialed() {
  if (!agent_) return;  // it was moved from
  asio::post(home_, [agent = std::move(agent_), place = std::move(place)] {
    agent->streams.erase(place);
  });
}

/// Shared by a stream and the operations under way on it.
struct AgentStreamState {
  AgentStreamState(std::unique_ptr<session::Tunnel> with, AgentDialed by,
                   std::shared_ptr<Metrics> counts)
      : tunnel(std::move(with)),
        agent_name(by.agent_name),
        place(by.place),
        dialed(std::move(by)),
        metrics(std::move(counts)) {
    metrics->agent_stream_began();
  }
  ~AgentStreamState() {
    tunnel->close();
    metrics->agent_stream_ended();
  }
  AgentStreamState(const AgentStreamState&) = delete;
  AgentStreamState& operator=(const AgentStreamState&) = delete;
  void leave() { dialed.reset(); }

  std::shared_ptr<session::Tunnel> tunnel;
  std::string agent_name;
  std::shared_ptr<AgentStreamPlace> place;
  std::optional<AgentDialed> dialed;  // holds the place
  std::shared_ptr<Metrics> metrics;
  Deadline deadline = Deadline::never();
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

/// What an error of the tunnel means for who uses the target.
asio::awaitable<Error> meaning_of(StatePtr state, Error error) {
  if (!state->place->ended_why.empty()) co_return lost(state->place->ended_why);
  const bool late = error.code == ErrorCode::timeout &&
                    state->deadline.when() <= std::chrono::steady_clock::now();
  if (state->closed || late || error.code == ErrorCode::cancelled) co_return error;
  // The agent itself has said so.
  if (error.remote == session::kAgentStopping) co_return lost(agent_lost_text());
  if (!error.remote.empty()) co_return lost("the target closed the connection to its agent");
  if (state->place->line->is_open()) {
    asio::steady_timer pause(state->tunnel->executor(), kPauseForLoss);
    co_await pause.async_wait(as_result);
  }
  if (!state->place->ended_why.empty()) co_return lost(state->place->ended_why);
  co_return lost(state->place->line->is_open() ? "the connection to the agent of this target broke"
                                               : agent_lost_text());
}

template <class T>
Task<T> explained(StatePtr state, Task<T> operation) {
  auto done = co_await std::move(operation);
  if (done) co_return done;
  co_return std::unexpected(co_await meaning_of(state, std::move(done).error()));
}

Task<void> explained_failure(StatePtr state, Error error) {
  co_return std::unexpected(co_await meaning_of(state, std::move(error)));
}

Eventually<Result<void>> start_write(const StatePtr& state, ByteSpan in) {
  using Written = Eventually<Result<void>>;
  auto writing = state->tunnel->start_write(in);
  if (!writing.ready()) return Written(explained(state, writing.wait()));
  Result<void> written = writing.take();
  if (written) return Written(std::move(written));
  return Written(explained_failure(state, std::move(written).error()));
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
  Eventually<Result<void>> start_write(ByteSpan in) override {
    return gateway::start_write(state_, in);
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
  std::string peer_name() const override { return fmt::format("agent '{}'", state_->agent_name); }

 private:
  StatePtr state_;
};

}  // namespace

void LiveAgent::end_streams(const std::string& why) {
  for (const auto& place : std::exchange(streams, {})) {
    asio::post(place->loop, [place, why] {
      place->ended_why = why;
      if (const auto stream = place->stream.lock()) stream->tunnel->close();
    });
  }
}

net::StreamPtr over_agent(std::unique_ptr<session::Tunnel> tunnel, AgentDialed dialed,
                          std::shared_ptr<Metrics> metrics) {
  auto state =
      std::make_shared<AgentStreamState>(std::move(tunnel), std::move(dialed), std::move(metrics));
  state->place->stream = state;
  // Its agent may have gone while it was on its way.
  if (!state->place->ended_why.empty()) state->tunnel->close();
  return std::make_unique<AgentStream>(std::move(state));
}

}  // namespace hoop::gateway
