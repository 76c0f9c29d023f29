// SPDX-License-Identifier: Apache-2.0
// The stream between a client and the gateway on the gateway path, as hoopctl-tunnel(5) specifies
// it: one TLS connection a connection of the program, proof of possession, framed bytes.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/net/stream.h"
#include "core/session/tunnel_frames.h"

namespace hoop::session {

struct TunnelTimes {
  std::chrono::milliseconds heartbeat{20'000};  // after so long without sending: an idle frame
  std::chrono::milliseconds lost{60'000};       // reading for so long and nothing came: timeout
  std::chrono::milliseconds reset{1'000};       // for telling the peer why it is given up
};

/// Both ends of a tunnel. As a Stream it carries the program's bytes in data frames; what Stream
/// says of reads, writes, half-close and deadlines holds. Reads fail with malformed or too_large on
/// a frame that must not be, io on a reset (remote holds its reason, neutralised) or a cut, timeout
/// when the peer is lost; what came before that is read first. Writes fail with io once this side
/// has ended or the peer has reset.
class Tunnel : public net::Stream {
 public:
  /// Takes over a stream that has switched protocols, and the bytes that came behind the switch.
  /// Nothing is read or written before the opening; heartbeats begin with it.
  static std::unique_ptr<Tunnel> over(net::StreamPtr lower, Bytes early, TunnelTimes times = {});

  /// Client: before anything else, once. Fails with io, timeout; with malformed, too_large if
  /// opening cannot be told.
  virtual Task<void> send_opening(Opening opening) = 0;
  /// Gateway: before anything else, once. The deadline is lifted again. Fails with malformed,
  /// too_large, timeout, io.
  virtual Task<Opening> receive_opening(Deadline deadline) = 0;
  /// Gives the connection up: from the call on nothing is read or written by others. Tells the peer
  /// why (cut at kMaxResetReason) as far as TunnelTimes::reset allows, and closes. Operations that
  /// are pending then fail with cancelled. Never fails.
  virtual Task<void> reset(std::string reason) = 0;
};

}  // namespace hoop::session
