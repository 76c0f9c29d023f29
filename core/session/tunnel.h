// SPDX-License-Identifier: Apache-2.0
// The stream between a client and the gateway on the gateway path, as hoopctl-tunnel(5) specifies
// it: one TLS connection a connection of the program, proof of possession, framed bytes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/net/stream.h"
#include "core/session/door.h"

namespace hoop::session {

/// The token of the HTTP Upgrade field, and what every proof begins with.
inline constexpr std::string_view kTunnelProtocol = "hoopctl-tunnel/1";
/// RFC 8446 §7.5; labels for private use begin with EXPERIMENTAL (RFC 5705 §4).
inline constexpr std::string_view kTunnelExporterLabel = "EXPERIMENTAL-hoopctl-tunnel/1";
inline constexpr std::size_t kMaxFramePayload = 64U << 10;
inline constexpr std::size_t kMaxOpening = 32U << 10;
inline constexpr std::size_t kMaxResetReason = 512;

/// The bytes that the grant's client key signs: protocol, NUL, the TLS exporter (32 bytes), session
/// id, NUL, the stream's number (8 bytes, big-endian). Bound to one TLS connection and used once: a
/// copy is worth nothing.
Bytes tunnel_proof_text(ByteSpan exporter, std::string_view session, std::uint64_t stream);

/// One frame: type (1 byte), payload length (3 bytes, big-endian), payload.
enum class FrameType : std::uint8_t {
  opening = 1,  // client, first and once: what the door learned
  data = 2,     // 1 byte or more of the program's protocol
  end = 3,      // empty: this side sends no more data (half-close)
  idle = 4,     // empty: nothing to send, still there
  reset = 5,    // the sender gives the connection up; the payload says why, in our own words
};

/// The payload of an opening. kind (1 byte: 0 session, 1 cancel); of a session the number of
/// parameters (2 bytes), and of each the lengths (2 bytes each) and bytes of name and value; of a
/// cancel the key.
Bytes encode_opening(const Opening& opening);
/// Fails with malformed.
Result<Opening> decode_opening(ByteSpan payload);

struct TunnelTimes {
  std::chrono::milliseconds heartbeat{20'000};  // after so long without sending: an idle frame
  std::chrono::milliseconds lost{60'000};       // reading for so long and nothing came: timeout
};

/// Both ends of a tunnel. As a Stream it carries the program's bytes in data frames; what Stream
/// says of reads, writes, half-close and deadlines holds. Reads fail with malformed on a frame that
/// must not be, io on a reset (remote holds its reason) or a cut, timeout when the peer is lost.
class Tunnel : public net::Stream {
 public:
  /// Takes over a stream that has switched protocols, and the bytes that came behind the switch.
  static std::unique_ptr<Tunnel> over(net::StreamPtr lower, Bytes early, TunnelTimes times = {});

  /// Client: before anything else, once.
  virtual Task<void> send_opening(Opening opening) = 0;
  /// Gateway: before anything else, once. Fails with malformed, too_large, timeout, io.
  virtual Task<Opening> receive_opening(Deadline deadline) = 0;
  /// Gives the connection up: tells the peer why as far as that is possible at once, and closes.
  virtual Task<void> reset(std::string reason) = 0;
};

}  // namespace hoop::session
