// SPDX-License-Identifier: Apache-2.0
// The relay's end of the socket to its monitor.
#pragma once

#include <optional>
#include <string>

#include "core/base/descriptor.h"
#include "protocols/ssh/relay_frames.h"

namespace hoop::ssh {

class RelayControl {
 public:
  explicit RelayControl(Descriptor socket) : socket_(std::move(socket)) {}
  int descriptor() const { return socket_.get(); }
  /// Blocks while the monitor does not read: nothing may pass without it. What it says meanwhile is
  /// kept. False: it is gone.
  bool send(const FromRelay& frame);
  /// Whether one has been read already, so that the socket wakes nobody for it.
  bool holds_frame() const;
  /// The next one. Fails with io when the monitor is gone, malformed.
  Result<ToRelay> receive();
  /// As receive(), or nothing if none waits.
  Result<std::optional<ToRelay>> poll();

 private:
  /// What is in the buffer, if that is a whole frame.
  Result<std::optional<ToRelay>> take();
  /// Reads more. False: nothing waits.
  Result<bool> read(int flags);
  Descriptor socket_;
  Bytes buffer_;
};

}  // namespace hoop::ssh
