// SPDX-License-Identifier: Apache-2.0
// What a gateway and an agent say on their control stream, as hoopctl-agent-protocol(5) lays it
// out, sans I/O; and what an agent signs.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/bytes.h"
#include "core/crypto/keys.h"

namespace hoop::session {

/// The tokens of the HTTP Upgrade field.
inline constexpr std::string_view kAgentProtocol = "hoopctl-agent/1";
inline constexpr std::string_view kAgentStreamProtocol = "hoopctl-agent-stream/1";
/// RFC 8446 §7.5; labels for private use begin with EXPERIMENTAL (RFC 5705 §4).
inline constexpr std::string_view kAgentExporterLabel = "EXPERIMENTAL-hoopctl-agent/1";
/// The reasons of an agent's resets.
inline constexpr std::string_view kAgentStopping = "the agent is stopping";
inline constexpr std::string_view kTargetBroke = "the connection to the target broke";
inline constexpr std::size_t kControlHeaderBytes = 3;
// A host name has at most 253 bytes (RFC 1035 §2.3.4).
inline constexpr std::size_t kMaxDialHost = 253;
// The longest message is a dial.
inline constexpr std::size_t kMaxControlPayload = 16 + 2 + kMaxDialHost;

/// 128 random bits that name one dial: whoever dials back shows them.
using DialNumber = std::array<std::uint8_t, 16>;

enum class AgentPurpose { control, stream, key };
/// The bytes that an agent's key signs on a TLS connection: protocol, NUL, purpose, NUL, the
/// exporter (32 bytes), name, NUL, and what the purpose is about: nothing, the dial's number, the
/// new public key. Worth nothing on another connection, nor for another purpose.
Bytes agent_proof_text(AgentPurpose purpose, ByteSpan exporter, std::string_view name,
                       ByteSpan about);
/// The bytes that a new agent's key signs when it joins: protocol, NUL, "join", NUL, token.
Bytes agent_join_text(std::string_view token);

// The messages. Each is one frame: type (1 byte), payload length (2 bytes, big-endian), payload.

/// 1, both: nothing to say, still there. Empty.
struct Heartbeat {
  bool operator==(const Heartbeat&) const = default;
};
/// 2, gateway: connect there and dial back. Number, port (2 bytes), host.
struct Dial {
  DialNumber number{};
  std::uint16_t port = 0;
  std::string host;
  bool operator==(const Dial&) const = default;
};
enum class DialRefusal : std::uint8_t {
  not_allowed = 1,  // the agent's own allow-list does not have it
  unreachable = 2,
  timeout = 3,
  busy = 4,    // it has as many streams as it may have, or is stopping
  failed = 5,  // it could not dial back
};
/// 3, agent: there will be no stream of that number. Number, reason (1 byte).
struct Refused {
  DialNumber number{};
  DialRefusal reason = DialRefusal::failed;
  bool operator==(const Refused&) const = default;
};
/// 4, agent: from its first use on this is its key. Public key, signature by the present one.
struct NewKey {
  crypto::Ed25519PublicKey key{};
  crypto::Ed25519Signature signature{};
  bool operator==(const NewKey&) const = default;
};
/// 5, gateway: the new key is registered. Public key.
struct KeyTaken {
  crypto::Ed25519PublicKey key{};
  bool operator==(const KeyTaken&) const = default;
};
/// 6, agent: no new dials, please; streams go on. Empty.
struct Leaving {
  bool operator==(const Leaving&) const = default;
};
using ControlMessage = std::variant<Heartbeat, Dial, Refused, NewKey, KeyTaken, Leaving>;

/// Appends one frame to out. A dial's host must be well-formed: is_dial_host().
void append_control(Bytes& out, const ControlMessage& message);

/// 1 to kMaxDialHost printable ASCII characters without blanks.
bool is_dial_host(std::string_view host);

/// Takes apart what one side of a control stream sends. Refuses, for good, whatever must not come.
class ControlReader {
 public:
  enum class Sender { gateway, agent };
  explicit ControlReader(Sender sender) : sender_(sender) {}

  /// Takes bytes off the front of in, up to one message; nullopt when in is used up. Fails for good
  /// with malformed, or too_large for a length above kMaxControlPayload.
  Result<std::optional<ControlMessage>> next(ByteSpan& in);

 private:
  Result<ControlMessage> decode() const;
  Sender sender_;
  Bytes held_;  // of the frame that is being read
  std::optional<Error> failure_;
};

}  // namespace hoop::session
