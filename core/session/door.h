// SPDX-License-Identifier: Apache-2.0
// A protocol's downstream handshake: proves that the program is ours and learns what it wants. Runs
// on the client on both paths.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/net/stream.h"

namespace hoop::session {

/// What a door learned about one connection. It crosses the tunnel as the first frame, so it holds
/// plain values only.
struct Opening {
  enum class Kind { session, cancel };
  Kind kind = Kind::session;
  std::vector<std::pair<std::string, std::string>>
      parameters;    // postgres: StartupMessage's, in order
  Bytes cancel_key;  // postgres: process id and secret key as they came
};

class Door {
 public:
  virtual ~Door() = default;
  /// Speaks the handshake up to and including "authenticated", within the deadline. Fails with
  /// malformed, unauthenticated, unsupported, timeout; the refusal has then been written in the
  /// protocol's own words where that is possible.
  virtual Task<Opening> open(net::Stream& downstream, Deadline deadline) = 0;
  /// Tells a program that is through the door why nothing is behind it, in the protocol's own
  /// words.
  virtual Task<void> refuse(net::Stream& downstream, const Error& error) = 0;
};

}  // namespace hoop::session
