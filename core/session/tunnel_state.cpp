// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel_state.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::session {
namespace {

using std::chrono::steady_clock;

asio::awaitable<void> send_idle(std::shared_ptr<TunnelState> state) {
  // Something else may have been sent since the timer fired.
  if (state->writing || state->why_not_written()) co_return;
  const auto written = co_await write_frame(state, FrameType::idle, ByteSpan());
  // Who writes next is told by write_failure.
  static_cast<void>(written);
}

Task<void> finish_frame([[maybe_unused]] std::shared_ptr<TunnelState> state, Turn turn,
                        Task<void> writing) {
  const Result<void> written = co_await std::move(writing);
  turn.done(written);
  co_return written;
}

}  // namespace

asio::awaitable<void> wait_for_turn(std::shared_ptr<TunnelState> state) {
  ++state->waiting_for_turn;
  co_await state->turn.async_wait(as_result);
  --state->waiting_for_turn;
}

Eventually<Result<void>> start_frame(const std::shared_ptr<TunnelState>& state, FrameType type,
                                     ByteSpan payload) {
  Turn turn(*state);
  state->sending.clear();
  append_frame(state->sending, type, payload);
  auto writing = state->lower->start_write(state->sending);
  if (!writing.ready())
    return Eventually<Result<void>>(finish_frame(state, std::move(turn), writing.wait()));
  Result<void> written = writing.take();
  turn.done(written);
  return Eventually<Result<void>>(std::move(written));
}

Task<void> write_frame(std::shared_ptr<TunnelState> state, FrameType type, ByteSpan payload) {
  auto started = start_frame(state, type, payload);
  if (started.ready()) co_return started.take();
  co_return co_await started.wait();
}

void TunnelState::start() {
  sent_at = steady_clock::now();
  arm();
}

void TunnelState::set_deadline(Deadline wanted) {
  // A reset under way has one of its own.
  if (failure) return;
  deadline = wanted;
  lower->set_deadline(wanted);
}

void TunnelState::fail_with(Error error) {
  if (!failure) failure = std::move(error);
  beat_timer.cancel();
  lower->close();
}

void TunnelState::fail_by_reset() {
  fail_with({ErrorCode::io,
             fmt::format("read {}: the other end has given the tunnel up", lower->peer_name()),
             {},
             neutralise(as_text(frames->payload()), kMaxResetReason, Lines::escape)});
}

std::optional<Error> TunnelState::why_not_written() const {
  if (failure) return failure;
  if (write_failure) return write_failure;
  if (end_sent)
    return Error{ErrorCode::io,
                 fmt::format("write {}: this side of the tunnel has ended", lower->peer_name()),
                 {},
                 {}};
  return std::nullopt;
}

std::size_t TunnelState::take_early(MutableByteSpan out) {
  const auto rest = ByteSpan(early).subspan(early_from);
  const auto count = std::min(out.size(), rest.size());
  std::copy_n(rest.begin(), count, out.begin());
  early_from += count;
  if (count == rest.size() && !early.empty()) {
    early = {};
    early_from = 0;
  }
  return count;
}

std::size_t TunnelState::unframe(MutableByteSpan bytes) {
  ByteSpan in = bytes;
  for (std::size_t kept = 0;;) {
    const auto event = frames->next(in);
    if (!event) {
      read_failure = event.error().within(fmt::format("read {}", lower->peer_name()));
      return kept;
    }
    switch (*event) {
      case FrameReader::Event::need_more: return kept;
      case FrameReader::Event::data:
        std::copy(frames->data().begin(), frames->data().end(), bytes.subspan(kept).begin());
        kept += frames->data().size();
        break;
      case FrameReader::Event::end: end_received = true; break;
      case FrameReader::Event::reset: fail_by_reset(); return kept;
      case FrameReader::Event::opening:
      case FrameReader::Event::idle: break;
    }
  }
}

void TunnelState::beat() {
  if (failure || finished) return;
  const auto now = steady_clock::now();
  if (reading_since != SteadyTime::max() && now - reading_since >= times.lost) {
    fail_with({ErrorCode::timeout,
               fmt::format("read {}: the other end of the tunnel is lost: nothing came for {} s",
                           lower->peer_name(),
                           std::chrono::duration_cast<std::chrono::seconds>(times.lost).count()),
               {},
               {}});
    return;
  }
  // Past the caller's deadline a heartbeat would fail, and take the tunnel with it.
  if (now - sent_at >= times.heartbeat && deadline.when() > now && !writing && !why_not_written()) {
    // An idle tunnel holds little.
    sending = {};
    tasks.spawn(send_idle(shared_from_this()));
  }
  arm();
}

/// One timer for both: it looks at the clock when it fires, so that a read or write costs no more
/// than noting the time.
void TunnelState::arm() {
  const auto now = steady_clock::now();
  auto heartbeat = sent_at + times.heartbeat;
  if (heartbeat <= now) heartbeat = now + times.heartbeat;
  const auto lost = (reading_since == SteadyTime::max() ? now : reading_since) + times.lost;
  beat_timer.expires_at(std::min(heartbeat, lost));
  beat_timer.async_wait([weak = weak_from_this()](const std::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->beat();
  });
}

}  // namespace hoop::session
