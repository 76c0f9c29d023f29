// SPDX-License-Identifier: Apache-2.0
#include "core/net/task_group.h"

#include "tests/support/catch.h"
#include "tests/support/run_task.h"

using namespace hoop;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> wait(std::chrono::milliseconds span, int& ended) {
  struct Note {
    int& count;
    ~Note() { ++count; }
  } note{ended};
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

TEST_CASE("join waits for every task, also for those that a task spawns") {
  asio::io_context context;
  net::TaskGroup tasks(context.get_executor());
  int ended = 0;
  const auto parent = [&]() -> asio::awaitable<void> {
    co_await wait(10ms, ended);
    tasks.spawn(wait(20ms, ended));
  };
  const auto work = [&]() -> asio::awaitable<bool> {
    tasks.spawn(parent());
    tasks.spawn(wait(1ms, ended));
    co_await tasks.join();
    co_return ended == 3 && tasks.size() == 0;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("cancel ends tasks that wait, and those that have not begun") {
  asio::io_context context;
  net::TaskGroup tasks(context.get_executor());
  int ended = 0;
  const auto work = [&]() -> asio::awaitable<bool> {
    for (int i = 0; i < 3; ++i) tasks.spawn(wait(1h, ended));
    co_await asio::post(asio::use_awaitable);
    co_await asio::post(asio::use_awaitable);
    tasks.spawn(wait(1h, ended));
    tasks.cancel();
    co_await tasks.join();
    co_return tasks.size() == 0;
  };
  CHECK(test::run(context, work()));
  CHECK(ended >= 3);
}
