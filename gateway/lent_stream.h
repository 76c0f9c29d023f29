// SPDX-License-Identifier: Apache-2.0
// A stream that a handler may use and close, and that its lender then brings to an orderly end.
#pragma once

#include <memory>

#include "core/net/stream.h"
#include "gateway/metrics.h"

namespace hoop::gateway {

/// Everything goes to stream, which the lender has too. close() ends the borrower's use: stream is
/// closed with it only if an operation is pending, which must end. So bytes that were written last
/// are not lost to a connection that is cut off behind them. metrics, if there are any, count the
/// bytes, and how long the first ones to the program took.
net::StreamPtr lend(std::shared_ptr<net::Stream> stream,
                    std::shared_ptr<Metrics> metrics = nullptr);

/// Ends a stream that nobody uses any more: half-close, what still comes is taken for a moment (at
/// most span, at most 1 MiB), then close. A TCP connection that is closed over unread bytes would
/// be reset, and the peer could lose our last words.
asio::awaitable<void> part_from(std::shared_ptr<net::Stream> stream,
                                std::chrono::milliseconds span);

}  // namespace hoop::gateway
