// SPDX-License-Identifier: Apache-2.0
// Lets blocking code that only knows TCP, as libpq does, reach a target through a dialer: a
// loopback port for one connection of our own.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/base/log.h"
#include "core/net/dialer.h"
#include "core/net/task_group.h"

namespace hoop::gateway {

/// open() is for pool threads, the rest for the loop's.
class LoopbackBridge {
 public:
  LoopbackBridge(asio::any_io_executor executor, Log& log);

  /// Dials, and answers a port of 127.0.0.1 that leads there: for the first connection that comes
  /// within ten seconds from a process of our own user, and for no other. Blocks, for fifteen
  /// seconds at most. Fails as the dialer does, with cancelled (closed), timeout, io.
  Result<std::uint16_t> open(std::shared_ptr<net::Dialer> dialer, std::string host,
                             std::uint16_t port);
  /// What waits and what comes fails with cancelled.
  void close();
  /// After close(): what is open ends. Returns when nothing is left.
  asio::awaitable<void> stop();

 private:
  struct State;
  struct Call;
  static asio::awaitable<void> serve(std::shared_ptr<State> state, std::shared_ptr<Call> call);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::gateway
