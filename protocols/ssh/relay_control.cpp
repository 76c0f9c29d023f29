// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_control.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostUnheard = std::size_t{64} << 20;  // of the monitor's

}  // namespace

bool RelayControl::send(const FromRelay& frame) {
  Bytes bytes;
  append_framed(bytes, encode(frame));
  ByteSpan rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent =
        ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    // The monitor may be writing, too, and then reads nothing until we do.
    pollfd either{socket_.get(), POLLIN | POLLOUT, 0};
    if (::poll(&either, 1, -1) < 0 && errno != EINTR) return false;
    if ((either.revents & POLLIN) != 0 && !read(MSG_DONTWAIT)) return false;
    if (buffer_.size() > kMostUnheard) return false;
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

bool RelayControl::holds_frame() const {
  const auto next = next_frame(buffer_);
  return next && next->has_value();
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
