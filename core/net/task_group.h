// SPDX-License-Identifier: Apache-2.0
// The owner of coroutines that are spawned: cancels them together and waits until the last has
// ended.
#pragma once

#include <memory>

#include "core/net/asio.h"

namespace hoop::net {

/// Resource, on one io_context. What a task throws other than by cancellation is our bug.
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts task on a later turn of the io_context.
  void spawn(asio::awaitable<void> task);
  /// Ends every task at its next suspension, by an exception that only destructors see. To end them
  /// in order, close their streams.
  void cancel();
  /// Returns when no task is left.
  asio::awaitable<void> join();
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hoop::net
