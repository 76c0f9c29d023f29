// SPDX-License-Identifier: Apache-2.0
// Either end of the control stream between a gateway and an agent: messages, heartbeats, and the
// loss of a peer that has fallen silent.
#pragma once

#include <chrono>
#include <memory>

#include "core/net/stream.h"
#include "core/session/agent_frames.h"

namespace hoop::session {

struct ControlTimes {
  std::chrono::milliseconds heartbeat{10'000};  // after so long without sending
  std::chrono::milliseconds lost{30'000};       // nothing came for so long
};

/// On one io_context. What is held for a peer that does not read is bounded.
class AgentControl : public std::enable_shared_from_this<AgentControl> {
 public:
  /// Takes over a stream that has switched protocols, and the bytes that came behind the switch;
  /// heartbeats begin. peer is who sits at the other end.
  static std::shared_ptr<AgentControl> over(net::StreamPtr lower, Bytes early,
                                            ControlReader::Sender peer, ControlTimes times);
  virtual ~AgentControl() = default;

  /// False: the stream has ended, or too much waits for a peer that does not read.
  virtual bool send(const ControlMessage& message) = 0;
  /// The next message that is no heartbeat; one call at a time. Fails with io (the end, also an
  /// orderly one), timeout (lost), malformed, too_large, cancelled; then the stream has ended.
  virtual Task<ControlMessage> receive() = 0;
  /// What was sent goes out, as far as a second allows, with an orderly end.
  virtual void finish() = 0;
  virtual void close() = 0;
  virtual bool is_open() const = 0;
  /// What a key signs, or has signed, on this very connection.
  virtual Bytes exporter() const = 0;
};

}  // namespace hoop::session
