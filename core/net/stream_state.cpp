// SPDX-License-Identifier: Apache-2.0
#include "core/net/stream_state.h"

#include <fmt/format.h>

namespace hoop::net {

void StreamState::set_deadline(Deadline deadline) {
  if (closed_) return;
  deadline_ = deadline;
  expired_ = false;
  if (deadline.is_never()) {
    if (armed_for_ == SteadyTime::max()) return;
    ++generation_;
    armed_for_ = SteadyTime::max();
    timer_.cancel();
    return;
  }
  if (armed_for_ <= deadline.when()) return;
  if (deadline.when() <= std::chrono::steady_clock::now()) {
    expired_ = true;
    interrupt();
    return;
  }
  arm();
}

void StreamState::arm() {
  armed_for_ = deadline_.when();
  timer_.expires_at(armed_for_);
  timer_.async_wait(
      [weak = weak_from_this(), generation = ++generation_](const std::error_code& error) {
        const auto self = weak.lock();
        // A wait that had already fired when it was replaced still comes by; its number is out of
        // date.
        if (error || !self || self->generation_ != generation) return;
        self->fired();
      });
}

void StreamState::fired() {
  armed_for_ = SteadyTime::max();
  if (closed_ || deadline_.is_never()) return;
  if (std::chrono::steady_clock::now() < deadline_.when()) {
    arm();
    return;
  }
  expired_ = true;
  interrupt();
}

void StreamState::close() {
  if (closed_) return;
  closed_ = true;
  ++generation_;
  timer_.cancel();
  release();
}

std::optional<Error> StreamState::ended() const {
  if (closed_) return Error{ErrorCode::cancelled, "the stream was closed", {}, {}};
  if (expired_) return Error{ErrorCode::timeout, "the peer took too long", {}, {}};
  return std::nullopt;
}

std::string error_text(const std::error_code& code) {
  std::string text = code.message();
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a')
    text[0] = static_cast<char>(text[0] + 32);
  return text;
}

Error io_error(std::string_view what, std::string_view peer, const std::error_code& code) {
  return {ErrorCode::io, fmt::format("{} {}: {}", what, peer, error_text(code)), {}, {}};
}

}  // namespace hoop::net
