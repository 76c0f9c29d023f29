// SPDX-License-Identifier: Apache-2.0
// The frames of a tunnel as hoopctl-tunnel(5) lays them out, sans I/O.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"
#include "core/session/door.h"

namespace hoop::session {

/// The token of the HTTP Upgrade field, and what every proof begins with.
inline constexpr std::string_view kTunnelProtocol = "hoopctl-tunnel/1";
/// RFC 8446 §7.5; labels for private use begin with EXPERIMENTAL (RFC 5705 §4).
inline constexpr std::string_view kTunnelExporterLabel = "EXPERIMENTAL-hoopctl-tunnel/1";
inline constexpr std::size_t kFrameHeaderBytes = 4;
// Four TLS records: what a busy relay reads at once, and little enough to hold for each stream.
inline constexpr std::size_t kMaxFramePayload = 64U << 10;
// Three times the largest StartupMessage that PostgreSQL takes.
inline constexpr std::size_t kMaxOpening = 32U << 10;
// A sentence for the user.
inline constexpr std::size_t kMaxResetReason = 512;

/// The bytes that the grant's client key signs: protocol, NUL, the TLS exporter (32 bytes), session
/// id, NUL, the stream's number (8 bytes, big-endian). Bound to one TLS connection and used once: a
/// copy is worth nothing.
Bytes tunnel_proof_text(ByteSpan exporter, std::string_view session, std::uint64_t stream);

/// One frame: type (1 byte), payload length (3 bytes, big-endian), payload.
enum class FrameType : std::uint8_t {
  opening = 1,  // client, first and once: what the door learned
  data = 2,     // 1 byte or more of the program's protocol
  end = 3,      // empty: this side sends no more data (half-close); only a reset may follow
  idle = 4,     // empty: nothing to send, still there
  reset = 5,    // the sender gives the connection up; the payload says why, in our own words
};

/// The payload of an opening. kind (1 byte: 0 session, 1 cancel); of a session the number of
/// parameters (2 bytes), and of each the lengths (2 bytes each) and bytes of name and value; of a
/// cancel the key. Fails with too_large (kMaxOpening), and with malformed for what decode_opening
/// would refuse.
Result<Bytes> encode_opening(const Opening& opening);
/// Fails with malformed: also for a NUL in a name or value, an empty name, an empty key, and bytes
/// left over, so that an opening has one encoding.
Result<Opening> decode_opening(ByteSpan payload);

/// Appends one frame to out. The payload's size must be right for the type.
void append_frame(Bytes& out, FrameType type, ByteSpan payload);

/// Takes apart what one side of a tunnel sends. Refuses, for good, whatever must not come: see
/// FrameType.
class FrameReader {
 public:
  enum class Sender { client, gateway };
  enum class Event { need_more, opening, data, end, idle, reset };

  explicit FrameReader(Sender sender);

  /// Takes bytes off the front of in, up to one event; need_more when in is used up. A data frame
  /// gives one event for each part of it that in holds: never waits for the whole. Fails for good
  /// with malformed, or too_large for a length above the type's cap.
  Result<Event> next(ByteSpan& in);
  /// After data: the part, in the bytes that next() was given.
  ByteSpan data() const { return data_; }
  /// After opening and reset, until the next call.
  ByteSpan payload() const { return payload_; }

 private:
  enum class Part { before_opening, open, ended, over };

  Result<void> begin_frame();
  Result<Event> go_on(ByteSpan& in);

  Part part_;
  std::array<std::uint8_t, kFrameHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;
  FrameType type_ = FrameType::idle;
  std::size_t missing_ = 0;  // of the payload
  ByteSpan data_;
  Bytes payload_;
  std::optional<Error> failure_;
};

}  // namespace hoop::session
