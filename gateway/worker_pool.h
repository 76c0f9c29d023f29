// SPDX-License-Identifier: Apache-2.0
// A few threads for what blocks: SQLite, libpq, log files. The event loop never waits for them, it
// is resumed by them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/net/asio.h"

namespace hoop::gateway {

template <class T>
using Work = std::move_only_function<Result<T>()>;

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  /// Finishes what was posted, then joins.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void post(std::move_only_function<void()> work);

  /// Runs work on a pool thread and resumes the caller on its own executor with the answer. work
  /// must own what it uses, or use what outlives the pool: a caller that is destroyed meanwhile
  /// does not stop it. It is moved out of a variable that the caller names, because g++ 12 copies a
  /// closure bit by bit, and destroys it twice, that is a temporary of a co_await expression.
  template <class T>
  Task<T> run(Work<T>& work) {
    return run_owned<T>(std::move(work));
  }

 private:
  template <class T>
  Task<T> run_owned(Work<T> work) {
    auto executor = co_await asio::this_coro::executor;
    auto answer = std::make_shared<std::optional<Result<T>>>();
    auto done =
        std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    post([work = std::move(work), answer, done, executor]() mutable {
      Result<T> result = work();
      // The caller's thread alone touches the answer and the timer.
      asio::post(executor, [result = std::move(result), answer = std::move(answer),
                            done = std::move(done)]() mutable {
        answer->emplace(std::move(result));
        done->cancel();
      });
    });
    if (!answer->has_value())
      co_await done->async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    if (!answer->has_value())
      co_return fail(ErrorCode::cancelled, "cancelled while work was under way");
    co_return std::move(**answer);
  }

  void work_until_stopped();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hoop::gateway
