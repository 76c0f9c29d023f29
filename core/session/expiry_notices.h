// SPDX-License-Identifier: Apache-2.0
// Says five minutes and one minute before access ends that it will.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/net/asio.h"

namespace hoop::session {

/// Resource, on one io_context.
class ExpiryNotices {
 public:
  /// words: one sentence in lower case, without a full stop.
  using Say = std::function<void(const std::string& words)>;

  explicit ExpiryNotices(const asio::any_io_executor& executor) : timer_(executor) {}
  /// What lies in the past already is not said. Called again: for another end. say may be called
  /// until stop() or the end of this object.
  void start(SystemTime expires_at, const Clock& clock, Say say);
  void stop() { timer_.cancel(); }

 private:
  void wait_for(std::size_t notice, std::chrono::milliseconds left);

  asio::steady_timer timer_;
  Say say_;
};

}  // namespace hoop::session
