// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/loopback_bridge.h"

#include <list>
#include <optional>

#include "core/net/endpoint.h"
#include "core/net/relay.h"

namespace hoop::gateway {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kDialTime{10};
constexpr std::chrono::seconds kAcceptTime{10};
// The dial, and a loop that is busy.
constexpr std::chrono::seconds kCallTime{15};

std::unexpected<Error> closed() {
  return fail(ErrorCode::cancelled, "the gateway is stopping", "try again in a moment");
}

/// Runs on_late unless it has gone by then.
class Alarm {
 public:
  Alarm(const asio::any_io_executor& executor, std::chrono::seconds span,
        std::function<void()> on_late)
      : timer_(executor, span) {
    timer_.async_wait([run = std::move(on_late)](const std::error_code& stopped) {
      if (!stopped) run();
    });
  }

 private:
  asio::steady_timer timer_;
};

}  // namespace

struct LoopbackBridge::Call {
  std::shared_ptr<net::Dialer> dialer;
  std::string host;
  std::uint16_t port = 0;
  std::optional<Result<std::uint16_t>> answer;  // guarded by State::mutex
};

struct LoopbackBridge::State {
  State(asio::any_io_executor on, Log& to) : executor(on), log(to), tasks(on) {}
  void answer(Call& call, Result<std::uint16_t> with) {
    const std::lock_guard lock(mutex);
    call.answer.emplace(std::move(with));
    answered.notify_all();
  }

  asio::any_io_executor executor;
  Log& log;
  std::mutex mutex;
  std::condition_variable answered;
  bool is_closed = false;  // guarded by mutex
  // The loop's.
  net::TaskGroup tasks;
  std::list<std::weak_ptr<net::Endpoint>> listening;
  std::list<std::weak_ptr<net::Stream>> streams;
};

LoopbackBridge::LoopbackBridge(asio::any_io_executor executor, Log& log)
    : state_(std::make_shared<State>(std::move(executor), log)) {}

Result<std::uint16_t> LoopbackBridge::open(std::shared_ptr<net::Dialer> dialer, std::string host,
                                           std::uint16_t port) {
  const auto call = std::make_shared<Call>(Call{std::move(dialer), std::move(host), port, {}});
  std::unique_lock lock(state_->mutex);
  if (state_->is_closed) return closed();
  asio::post(state_->executor, [state = state_, call] { state->tasks.spawn(serve(state, call)); });
  state_->answered.wait_for(lock, kCallTime, [&] { return call->answer || state_->is_closed; });
  if (call->answer) return *call->answer;
  if (state_->is_closed) return closed();
  return fail(ErrorCode::timeout, "the way to the target was not open in time");
}

void LoopbackBridge::close() {
  const std::lock_guard lock(state_->mutex);
  state_->is_closed = true;
  state_->answered.notify_all();
}

asio::awaitable<void> LoopbackBridge::stop() {
  const auto state = state_;
  close();
  for (const auto& one : state->listening)
    if (const auto endpoint = one.lock()) endpoint->close();
  for (const auto& one : state->streams)
    if (const auto stream = one.lock()) stream->close();
  co_await state->tasks.join();
}

asio::awaitable<void> LoopbackBridge::serve(std::shared_ptr<State> state,
                                            std::shared_ptr<Call> call) {
  std::erase_if(state->listening, [](const auto& one) { return one.expired(); });
  std::erase_if(state->streams, [](const auto& one) { return one.expired(); });
  auto dialed = co_await call->dialer->dial(call->host, call->port,
                                            Deadline::at(steady_clock::now() + kDialTime));
  if (!dialed) co_return state->answer(*call, std::unexpected(std::move(dialed).error()));
  const std::shared_ptr<net::Stream> target = std::move(*dialed);
  auto listening = net::listen_loopback(state->executor, 0, [state](std::string_view why) {
    state->log.warning("bridge.refused", {{"why", std::string(why)}});
  });
  if (!listening) co_return state->answer(*call, std::unexpected(std::move(listening).error()));
  const std::shared_ptr<net::Endpoint> endpoint = std::move(*listening);
  state->listening.push_back(endpoint);
  state->streams.push_back(target);
  state->answer(*call, endpoint->port());
  std::optional<Alarm> late(std::in_place, state->executor, kAcceptTime,
                            [endpoint] { endpoint->close(); });
  auto accepted = co_await endpoint->accept();
  late.reset();
  endpoint->close();
  if (!accepted) co_return target->close();
  const std::shared_ptr<net::Stream> near = std::move(*accepted);
  state->streams.push_back(near);
  // Either end tells the other: who used it has its own errors.
  static_cast<void>(co_await net::relay(near, target));
}

}  // namespace hoop::gateway
