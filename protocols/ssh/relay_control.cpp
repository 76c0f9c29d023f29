// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_control.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace hoop::ssh {

bool RelayControl::send(const FromRelay& frame) {
  Bytes bytes;
  append_framed(bytes, encode(frame));
  ByteSpan rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

Result<bool> RelayControl::read(int flags) {
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kMaxFrame);
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), buffer_.data() + had, kMaxFrame, flags);
  } while (count < 0 && errno == EINTR);
  const int failure = errno;
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count > 0) return true;
  if (count < 0 && failure == EAGAIN) return false;
  return fail(ErrorCode::io, "the monitor is gone");
}

Result<std::optional<ToRelay>> RelayControl::take() {
  HOOP_TRY(const auto bytes, next_frame(buffer_));
  if (!bytes) return std::nullopt;
  HOOP_TRY(ToRelay frame, decode_to_relay(*bytes));
  const std::size_t used = kFramePrefix + bytes->size();
  wipe(buffer_.data(), used);  // it may have been keys
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
  return std::optional<ToRelay>(std::move(frame));
}

Result<ToRelay> RelayControl::receive() {
  for (;;) {
    HOOP_TRY(auto frame, take());
    if (frame) return std::move(*frame);
    HOOP_TRY(const bool came, read(0));
    if (!came) return fail(ErrorCode::io, "the monitor is gone");
  }
}

Result<std::optional<ToRelay>> RelayControl::poll() {
  for (;;) {
    HOOP_TRY(auto frame, take());
    if (frame) return frame;
    HOOP_TRY(const bool came, read(MSG_DONTWAIT));
    if (!came) return std::nullopt;
  }
}

}  // namespace hoop::ssh
