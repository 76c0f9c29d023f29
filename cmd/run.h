// SPDX-License-Identifier: Apache-2.0
// Runs one coroutine to its end on an io_context: how a command steps into the asynchronous world.
#pragma once

#include <exception>
#include <optional>

#include "core/net/asio.h"

namespace hoop::cmd {

/// What is still waiting on context when task has ended is left where it is.
template <class T>
Result<T> run(asio::io_context& context, Task<T> task) {
  std::optional<Result<T>> answer;
  std::exception_ptr thrown;
  // co_spawn would make a T out of nothing for a task that throws, which not every T can be.
  const auto work = [](Task<T> of, std::optional<Result<T>>& into) -> asio::awaitable<void> {
    into.emplace(co_await std::move(of));
  };
  asio::co_spawn(context, work(std::move(task), answer), [&](std::exception_ptr error) {
    thrown = error;
    context.stop();
  });
  context.restart();
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  if (!answer) return fail(ErrorCode::internal, "the work ended without an answer");
  return std::move(*answer);
}

}  // namespace hoop::cmd
