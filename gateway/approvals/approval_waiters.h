// SPDX-License-Identifier: Apache-2.0
// Who waits for a request to be decided.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/net/asio.h"

namespace hoop::gateway {

/// On one io_context; shared with whoever waits.
class ApprovalWaiters {
 public:
  /// Returns when the request's waiters are woken, when patience is over, or when the caller is
  /// cancelled.
  static asio::awaitable<void> wait(std::shared_ptr<ApprovalWaiters> waiters, std::string id,
                                    std::chrono::milliseconds patience);
  void wake(const std::string& id);
  /// Wakes all: nobody should wait any more.
  void close();
  bool closed() const { return closed_; }

 private:
  using Timers = std::multimap<std::string, asio::steady_timer*, std::less<>>;
  class Place;
  Timers timers_;
  bool closed_ = false;
};

}  // namespace hoop::gateway
