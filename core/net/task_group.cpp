// SPDX-License-Identifier: Apache-2.0
#include "core/net/task_group.h"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/system_error.hpp>

#include <list>

namespace hoop::net {
namespace {

bool was_cancelled(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const asio::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct TaskGroup::State {
  explicit State(const asio::any_io_executor& used)
      : executor(used), empty(used, SteadyClock::time_point::max()) {}
  using SteadyClock = std::chrono::steady_clock;

  asio::any_io_executor executor;
  std::list<asio::cancellation_signal> running;
  // Never expires; cancelling it wakes who joins.
  asio::steady_timer empty;
};

TaskGroup::TaskGroup(asio::any_io_executor executor) : state_(std::make_shared<State>(executor)) {}
TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(asio::awaitable<void> task) {
  const auto place = state_->running.emplace(state_->running.end());
  asio::co_spawn(state_->executor, std::move(task),
                 asio::bind_cancellation_slot(
                     place->slot(), [state = state_, place](const std::exception_ptr& thrown) {
                       HOOP_ASSERT(!thrown || was_cancelled(thrown));
                       state->running.erase(place);
                       if (state->running.empty()) state->empty.cancel();
                     }));
}

void TaskGroup::cancel() {
  // A task may end, and so leave the list, while it is told.
  for (auto at = state_->running.begin(); at != state_->running.end();)
    (at++)->emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> TaskGroup::join() {
  const auto state = state_;
  while (!state->running.empty()) co_await state->empty.async_wait(as_result);
}

std::size_t TaskGroup::size() const { return state_->running.size(); }

}  // namespace hoop::net
