// SPDX-License-Identifier: Apache-2.0
// Standalone Asio, in the one form that we use: one io_context a thread, coroutines that answer
// Result<T>.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <variant>

#include "core/base/error.h"

namespace hoop {

template <class T>
using Task = asio::awaitable<Result<T>>;

/// An answer that is usually there already. Take it when ready(); otherwise co_await wait(), which
/// must be done: it is what is left of the work. Asio's awaitables always suspend once, and each
/// has a frame of its own, which what needs neither must not pay for.
template <class T>
class Eventually {
 public:
  explicit Eventually(T value) : state_(std::move(value)) {}
  explicit Eventually(asio::awaitable<T> task) : state_(std::move(task)) {}
  bool ready() const { return std::holds_alternative<T>(state_); }
  T take() { return std::move(std::get<T>(state_)); }
  asio::awaitable<T> wait() { return std::move(std::get<asio::awaitable<T>>(state_)); }

 private:
  std::variant<T, asio::awaitable<T>> state_;
};

/// Whenever it comes: for where a frame more is no matter.
template <class T>
asio::awaitable<T> finished(Eventually<T> answer) {
  if (answer.ready()) co_return answer.take();
  co_return co_await answer.wait();
}

/// The completion token that answers a tuple of error_code and results instead of throwing.
inline constexpr asio::experimental::as_tuple_t<asio::use_awaitable_t<>> as_result{
    asio::use_awaitable};

}  // namespace hoop
