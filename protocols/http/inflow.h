// SPDX-License-Identifier: Apache-2.0
// What comes of one stream, read ahead of who takes it; and whether its other end is still there,
// while nobody does.
#pragma once

#include <functional>
#include <memory>

#include "core/net/stream.h"

namespace hoop::http_target {

/// On one io_context. The stream is closed when this goes.
class Inflow {
 public:
  explicit Inflow(net::StreamPtr stream);
  ~Inflow();
  Inflow(const Inflow&) = delete;
  Inflow& operator=(const Inflow&) = delete;

  net::Stream& stream();
  /// What has come and was not taken. Good until more() or release() is called.
  ByteSpan unread() const;
  void consume(std::size_t count);
  /// Waits for bytes behind those. False: no more come. Fails as Stream does.
  Task<bool> more();
  /// Reads beside, once, for the next more(). gone is called if nothing comes but the end, at once
  /// if that is known; not after more() has begun to wait. Replaces what an earlier call has given.
  void watch(std::function<void()> gone);
  bool is_watched() const;
  /// Gives the room back that bulk data has needed, if nothing is in it.
  void release();

 private:
  struct State;
  static asio::awaitable<void> read_beside(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::http_target
