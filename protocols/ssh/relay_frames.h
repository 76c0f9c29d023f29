// SPDX-License-Identifier: Apache-2.0
// What an SSH relay and its monitor say to each other. The relay is a process of its own that holds
// the two SSH sessions of one client and nothing else; the monitor has policy, masks and record,
// and answers the relay's numbered questions. On the socket between them the length of each frame
// stands in front of it, as uint32.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/secret.h"

namespace hoop::ssh {

inline constexpr std::size_t kMaxOutput = std::size_t{32} << 10;  // bytes of output in a frame
inline constexpr std::size_t kMaxFrame = std::size_t{64} << 10;

/// How the two sessions begin.
struct RelaySetup {
  std::vector<std::string> users;      // as whom the client may log in, here and at the target
  std::vector<std::string> host_keys;  // of the target: fingerprints
  Bytes certificate;
  SecretBytes key;         // Ed25519 seed, for the certificate
  SecretBytes static_key;  // a private key as a file has it, in the place of both; else empty
  SecretBytes host_key;    // Ed25519 seed: what the client is shown
  Bytes client_key;        // that the client must prove, as a blob; empty: whoever holds the socket
  std::uint32_t patience = 30;  // seconds, for each session to stand
  /// Why there is no target behind: the client is told, and that is all. Empty: there is one.
  std::string obstacle;
};

/// The target has let us in.
struct RelayReady {
  std::string user;      // that the client named
  std::string host_key;  // fingerprint
  std::string banner;
  bool operator==(const RelayReady&) const = default;
};
struct RelayFailed {
  Error error;
  bool operator==(const RelayFailed&) const = default;
};

enum class RelayAct : std::uint8_t {
  shell = 1,
  exec,
  subsystem,
  pty,
  env,
  forward,   // a connection of the client's, to an address at the target
  listen,    // the target is to listen for the client
  accepted,  // a connection of the target's, to where it listens
};

/// May the client do this? Waits for a RelayVerdict of the same number.
struct RelayAsk {
  std::uint32_t number = 0;
  std::uint32_t channel = 0;
  RelayAct act = RelayAct::shell;
  std::string text;   // command, subsystem, terminal, name of a variable, host of an address
  std::string value;  // of the variable; who connects
  std::uint32_t columns = 0, rows = 0;  // columns of an address: its port
  bool operator==(const RelayAsk&) const = default;
};
struct RelayVerdict {
  std::uint32_t number = 0;
  bool allowed = false;
  std::string message;  // for people, where it is not
  /// What the client sends to this program goes to the monitor first, as its output does.
  bool inspected = false;
  /// What is typed to this program is told.
  bool tells_keys = false;
  std::string command = {};   // to run in the place of what was asked for; empty: that
  std::uint32_t status = 77;  // where it is not: how the program ends
  bool operator==(const RelayVerdict&) const = default;
};

/// Of a program: what it says, and what its client says to it.
enum class RelayStream : std::uint8_t { out = 1, err, in };

/// Output of the target, or input of an inspected program: waits for a RelayMasked of the same
/// number. Empty: this stream has ended, and what was held back of it is the answer.
struct RelayOutput {
  std::uint32_t number = 0;
  std::uint32_t channel = 0;
  RelayStream stream = RelayStream::out;
  Bytes data;
  bool operator==(const RelayOutput&) const = default;
};
struct RelayMasked {
  std::uint32_t number = 0;
  Bytes data;  // what goes on in its place
  bool operator==(const RelayMasked&) const = default;
};

/// Of what was held back, or stands for something else: it goes on behind all that was answered
/// before.
struct RelayMore {
  std::uint32_t channel = 0;
  RelayStream stream = RelayStream::out;
  Bytes data;
  bool operator==(const RelayMore&) const = default;
};

/// Told, not asked: what the client has just sent to a program with a terminal.
struct RelayTyped {
  std::uint32_t channel = 0;
  Bytes data;
  bool operator==(const RelayTyped&) const = default;
};
/// Told, not asked.
struct RelayResized {
  std::uint32_t channel = 0, columns = 0, rows = 0;
  bool operator==(const RelayResized&) const = default;
};
struct RelayEnded {
  std::uint32_t channel = 0;
  bool has_status = false;
  std::uint32_t status = 0;
  std::string signal;             // "TERM"; empty: none
  std::uint64_t in = 0, out = 0;  // bytes of the client's and the target's
  bool operator==(const RelayEnded&) const = default;
};
/// Of the monitor: the program of this channel ends, and the client is told why.
struct RelayStop {
  std::uint32_t channel = 0;
  std::string reason;
  bool operator==(const RelayStop&) const = default;
};
/// Of the monitor: both sessions end, and the client is told why.
struct RelayEnd {
  std::string reason;
  bool operator==(const RelayEnd&) const = default;
};

using FromRelay = std::variant<RelayReady, RelayFailed, RelayAsk, RelayOutput, RelayTyped,
                               RelayResized, RelayEnded>;
using ToRelay = std::variant<RelaySetup, RelayVerdict, RelayMasked, RelayMore, RelayStop, RelayEnd>;

/// Text that is too long is cut at its cap.
Bytes encode(const FromRelay& frame);
Bytes encode(const ToRelay& frame);
/// A relay may be in a stranger's hands: everything is checked. Fails with malformed.
Result<FromRelay> decode_from_relay(ByteSpan frame);
Result<ToRelay> decode_to_relay(ByteSpan frame);

/// frame with its length in front, at the end of out.
void append_framed(Bytes& out, ByteSpan frame);
/// A RelayMasked, or a RelayMore, with its length in front, at the end of out: bytes are copied
/// once.
void append_masked(Bytes& out, std::uint32_t number, ByteSpan data);
void append_more(Bytes& out, std::uint32_t channel, RelayStream stream, ByteSpan data);
/// The first frame of what has been read so far, without its length; nullopt: more must be read.
/// Fails with malformed for one that is empty or longer than kMaxFrame.
Result<std::optional<ByteSpan>> next_frame(ByteSpan buffer);
inline constexpr std::size_t kFramePrefix = 4;

}  // namespace hoop::ssh
