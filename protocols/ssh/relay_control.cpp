// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_control.h"

#include <sys/socket.h>

#include <cerrno>

namespace hoop::ssh {

bool RelayControl::send(const FromRelay& frame) {
  const Bytes bytes = encode(frame);
  for (;;) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent) == bytes.size();
    if (errno != EINTR) return false;
  }
}

Result<std::optional<ToRelay>> RelayControl::read(int flags) {
  Bytes bytes(kMaxFrame + 1024);
  ssize_t count = 0;
  do {
    // MSG_TRUNC: how long it was, also where it did not fit.
    count = ::recv(socket_.get(), bytes.data(), bytes.size(), flags | MSG_TRUNC);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) return std::nullopt;
  if (count <= 0) return fail(ErrorCode::io, "the monitor is gone");
  if (static_cast<std::size_t>(count) > bytes.size())
    return fail(ErrorCode::malformed, "a frame for an SSH relay is too long");
  bytes.resize(static_cast<std::size_t>(count));
  auto frame = decode_to_relay(bytes);
  wipe(bytes.data(), bytes.size());  // it may have been keys
  if (!frame) return std::unexpected(std::move(frame).error());
  return std::optional<ToRelay>(std::move(*frame));
}

Result<ToRelay> RelayControl::receive() {
  HOOP_TRY(auto frame, read(0));
  if (!frame) return fail(ErrorCode::io, "the monitor is gone");
  return std::move(*frame);
}

Result<std::optional<ToRelay>> RelayControl::poll() { return read(MSG_DONTWAIT); }

}  // namespace hoop::ssh
