// SPDX-License-Identifier: Apache-2.0
// Runs one coroutine on an io_context of its own test and answers what it answered.
#pragma once

#include <exception>
#include <optional>

#include "core/base/clock.h"
#include "core/net/asio.h"
#include "tests/support/catch.h"

namespace hoop::test {

/// Runs context until task has ended and nothing else is left. Fails the test if the task never
/// ends.
template <class T>
T run(asio::io_context& context, asio::awaitable<T> task) {
  std::optional<T> answer;
  std::exception_ptr thrown;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    thrown = error;
    answer.emplace(std::move(value));
  });
  context.restart();
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  REQUIRE(answer.has_value());
  return std::move(*answer);
}

inline Deadline in(std::chrono::milliseconds span) {
  return Deadline::at(std::chrono::steady_clock::now() + span);
}

inline asio::awaitable<void> pause(std::chrono::milliseconds span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  co_await timer.async_wait(as_result);
}

}  // namespace hoop::test
