// SPDX-License-Identifier: Apache-2.0
// Ends grants when their time is over: a timer to the next expiry, and a sweep for what was left
// behind.
#pragma once

#include "gateway/grants.h"

namespace hoop::gateway {

/// One coroutine, owned here: start() spawns it, stop() cancels it and returns when it has ended.
class Reaper {
 public:
  Reaper(GrantService& grants, asio::any_io_executor executor);
  /// Sweeps at once, then at each expiry and every minute.
  void start();
  asio::awaitable<void> stop();
  /// Targets may be reachable again that were not: sweeps now.
  void sweep_now();

 private:
  asio::awaitable<void> loop();
  GrantService& grants_;
  asio::any_io_executor executor_;
  asio::steady_timer wake_;
  asio::steady_timer ended_;
  SteadyTime next_sweep_{};
  bool stopping_ = false;
  bool running_ = false;
};

}  // namespace hoop::gateway
