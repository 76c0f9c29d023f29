// SPDX-License-Identifier: Apache-2.0
#include "core/session/disk_sync.h"

#include <asio/thread_pool.hpp>

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

namespace hoop::session {
namespace {

// Threads that wait for disks, not ones that compute: file systems commit those of several files
// together.
constexpr std::size_t kThreads = 4;

asio::thread_pool& threads() {
  static asio::thread_pool pool(kThreads);  // none is started before somebody asks for durability
  return pool;
}

}  // namespace

/// Touched by the loop alone.
struct DiskSync::State {
  explicit State(std::shared_ptr<record::LogSink> log) : sink(std::move(log)) {}

  std::shared_ptr<record::LogSink> sink;
  std::uint64_t wanted = 0;  // somebody waits for these
  std::uint64_t synced = 0;
  std::future<void> running;
  bool is_running = false;
  std::optional<Error> failure;
  // Never expires; cancelling it wakes who waits.
  std::optional<asio::steady_timer> changed;
};

DiskSync::DiskSync(std::shared_ptr<record::LogSink> sink)
    : state_(std::make_shared<State>(std::move(sink))) {}

DiskSync::~DiskSync() {
  if (state_->running.valid()) state_->running.wait();
}

bool DiskSync::has(std::uint64_t bytes) const {
  return state_->synced >= bytes && !state_->failure;
}

void DiskSync::begin(const std::shared_ptr<State>& state, const asio::any_io_executor& loop) {
  std::promise<void> over;
  state->running = over.get_future();
  state->is_running = true;
  asio::post(threads(), [sink = state->sink, state, loop, covers = state->wanted,
                         over = std::move(over)]() mutable {
    Result<void> synced = sink->sync();
    sink.reset();
    asio::post(loop, [state = std::move(state), covers, synced = std::move(synced)]() mutable {
      state->is_running = false;
      if (synced)
        state->synced = std::max(state->synced, covers);
      else
        state->failure = std::move(synced).error();
      state->changed->cancel();
    });
    over.set_value();
  });
}

Task<void> DiskSync::wait_for(std::uint64_t bytes) {
  const auto state = state_;
  const auto loop = co_await asio::this_coro::executor;
  if (!state->changed) state->changed.emplace(loop, asio::steady_timer::time_point::max());
  state->wanted = std::max(state->wanted, bytes);
  while (state->synced < bytes && !state->failure) {
    if (!state->is_running) begin(state, loop);
    co_await state->changed->async_wait(as_result);
  }
  Result<void> outcome;
  if (state->failure) outcome = std::unexpected(*state->failure);
  co_return outcome;
}

}  // namespace hoop::session
