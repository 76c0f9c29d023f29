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

#include "core/base/error.h"

namespace hoop {

template <class T>
using Task = asio::awaitable<Result<T>>;

/// The completion token that answers a tuple of error_code and results instead of throwing.
inline constexpr asio::experimental::as_tuple_t<asio::use_awaitable_t<>> as_result{
    asio::use_awaitable};

}  // namespace hoop
