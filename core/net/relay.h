// SPDX-License-Identifier: Apache-2.0
// Carries bytes between two streams, both ways at once.
#pragma once

#include <functional>
#include <memory>

#include "core/net/stream.h"

namespace hoop::net {

/// What is held of a direction while the other side is slow.
inline constexpr std::size_t kRelayBytes = 64U << 10;

/// Awaited when the second stream has broken, before the first is closed: time for last words.
using SecondBroke = std::function<asio::awaitable<void>(Error)>;

/// Until both sides have ended, each half-closed when the other ends, or one breaks. Both are
/// closed when it returns, also when it is cancelled. Fails as the stream that broke first.
Task<void> relay(std::shared_ptr<Stream> first, std::shared_ptr<Stream> second,
                 SecondBroke second_broke = nullptr);

}  // namespace hoop::net
