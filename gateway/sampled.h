// SPDX-License-Identifier: Apache-2.0
// A blocking look at something that anybody may ask for: however many ask, one look at a time is
// made, and its answer is kept for a while.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "gateway/worker_pool.h"

namespace hoop::gateway {

/// On one io_context.
template <class T>
class Sampled {
 public:
  struct Times {
    std::chrono::milliseconds kept;      // from the answer on, a failure too
    std::chrono::milliseconds patience;  // of who waits; the look goes on
  };
  /// look runs on the pool, which outlives this; what it uses outlives the pool.
  Sampled(std::function<Result<T>()> look, WorkerPool& workers, const Clock& clock, Times times)
      : look_(std::move(look)), workers_(workers), clock_(clock), times_(times) {}

  /// Fails as the look does, or with timeout.
  Task<T> get() {
    const auto executor = co_await asio::this_coro::executor;
    if (!current_ || (current_->answer && clock_.steady_now() >= current_->fresh_until))
      begin(executor);
    const auto look = current_;
    if (!look->answer) {
      const auto wait = std::make_shared<asio::steady_timer>(executor, times_.patience);
      look->waiting.push_back(wait);
      co_await wait->async_wait(as_result);
    }
    if (!look->answer) co_return fail(ErrorCode::timeout, "no answer in time");
    co_return *look->answer;
  }

 private:
  struct Look {
    std::optional<Result<T>> answer;
    SteadyTime fresh_until{};
    std::vector<std::weak_ptr<asio::steady_timer>> waiting;
  };

  void begin(const asio::any_io_executor& executor) {
    current_ = std::make_shared<Look>();
    workers_.post(
        [look = look_, current = current_, executor, &clock = clock_, kept = times_.kept]() {
          Result<T> answer = look();
          // The caller's thread alone touches the answer and the timers.
          asio::post(executor,
                     [answer = std::move(answer), current, until = clock.steady_now() + kept] {
                       current->answer.emplace(answer);
                       current->fresh_until = until;
                       for (const auto& one : current->waiting) {
                         if (const auto wait = one.lock()) wait->cancel();
                       }
                       current->waiting.clear();
                     });
        });
  }

  std::function<Result<T>()> look_;
  WorkerPool& workers_;
  const Clock& clock_;
  Times times_;
  std::shared_ptr<Look> current_;
};

}  // namespace hoop::gateway
