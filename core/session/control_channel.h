// SPDX-License-Identifier: Apache-2.0
// Lines both ways over one stream: who posts never waits, and who does not read is let go.
#pragma once

#include <memory>

#include "core/net/stream.h"
#include "core/session/control.h"

namespace hoop::session {

/// Resource, on one io_context.
class ControlChannel {
 public:
  /// early: what came behind the switch of protocols. longest bounds the lines that are received.
  ControlChannel(net::StreamPtr stream, std::string_view early, std::size_t longest);
  /// As close().
  ~ControlChannel();
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  /// Sends lines, after those before. A peer that lets more than 8 MiB pile up loses the channel.
  void post(std::string lines);
  /// The next line, without its end. Fails with io (the peer has ended it), timeout, too_large,
  /// cancelled.
  Task<std::string> receive(Deadline deadline);
  /// Returns when all that was posted is on its way, or cannot be.
  asio::awaitable<void> flush();
  /// What is pending fails with cancelled.
  void close();

 private:
  struct State;
  static asio::awaitable<void> write_all(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::session
