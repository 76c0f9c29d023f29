// SPDX-License-Identifier: Apache-2.0
// A question from one event loop to another: what belongs to a loop is touched by its thread alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/clock.h"
#include "core/net/asio.h"

namespace hoop::net {

/// Answers the loop that asked; called once, on the loop that was asked.
template <class T>
using Answer = std::move_only_function<void(Result<T>)>;

/// What runs on the loop that is asked, and answers now or later.
template <class T>
using Question = std::move_only_function<void(Answer<T>)>;

namespace detail {

template <class T>
struct Asked {
  explicit Asked(const asio::any_io_executor& asker) : done(asker, SteadyTime::max()) {}
  std::optional<Result<T>> answer;
  asio::steady_timer done;  // never expires; cancelled when the answer is there
};

template <class T>
Task<T> ask_owned(asio::any_io_executor there, Question<T> question) {
  const auto here = co_await asio::this_coro::executor;
  const auto asked = std::make_shared<Asked<T>>(here);
  asio::post(there, [question = std::move(question), asked, here]() mutable {
    question([asked = std::move(asked), here](Result<T> answer) mutable {
      // The asker's thread alone touches answer and timer.
      asio::post(here, [asked = std::move(asked), answer = std::move(answer)]() mutable {
        asked->answer.emplace(std::move(answer));
        asked->done.cancel();
      });
    });
  });
  if (!asked->answer) co_await asked->done.async_wait(as_result);
  if (!asked->answer) co_return fail(ErrorCode::cancelled, "cancelled while a loop was asked");
  co_return std::move(*asked->answer);
}

}  // namespace detail

/// Runs question on the loop there and resumes the caller on its own loop with the answer. It is
/// moved out of a variable that the caller names, because g++ 12 copies a closure bit by bit, and
/// destroys it twice, that is a temporary of a co_await expression.
template <class T>
Task<T> ask_loop(asio::any_io_executor there, Question<T>& question) {
  return detail::ask_owned<T>(std::move(there), std::move(question));
}

}  // namespace hoop::net
