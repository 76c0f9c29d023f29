// SPDX-License-Identifier: Apache-2.0
// What the operations on one tunnel share: whose turn it is to write, what has ended, and the timer
// that tells silence from loss.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "core/net/task_group.h"
#include "core/session/tunnel.h"

namespace hoop::session {

/// Shared by the tunnel and the operations under way on it, so that a tunnel may go while one is
/// pending.
struct TunnelState : std::enable_shared_from_this<TunnelState> {
  TunnelState(net::StreamPtr below, Bytes first, TunnelTimes wanted)
      : lower(std::move(below)),
        times(wanted),
        early(std::move(first)),
        turn(lower->executor(), SteadyTime::max()),
        beat_timer(lower->executor()),
        tasks(lower->executor()) {}

  /// Once the opening is through: heartbeats, and the count of silence.
  void start();
  void set_deadline(Deadline wanted);
  void close() { fail_with({ErrorCode::cancelled, "the tunnel was closed", {}, {}}); }
  /// For good, with the first such error; what is pending on lower returns.
  void fail_with(Error error);
  /// frames has just read a reset.
  void fail_by_reset();
  /// nullopt: a frame may be written, once it is its turn.
  std::optional<Error> why_not_written() const;
  /// Of the bytes that came behind the switch or the opening; 0 when there are none left.
  std::size_t take_early(MutableByteSpan out);
  /// Leaves the program's bytes at the front and answers how many: they were received where the
  /// caller wants them, and move by the headers before them only. Failures stand in read_failure.
  std::size_t unframe(MutableByteSpan bytes);

  net::StreamPtr lower;
  TunnelTimes times;
  std::optional<FrameReader> frames;  // none before the opening
  Bytes early;
  std::size_t early_from = 0;
  Bytes sending;
  // Heartbeats, a reset and the caller's frames take turns; who waits is woken by the timer.
  bool writing = false;
  asio::steady_timer turn;
  unsigned waiting_for_turn = 0;
  bool end_sent = false;
  bool end_received = false;
  bool finished = false;
  std::optional<Error> failure;  // of both directions
  std::optional<Error> read_failure;
  std::optional<Error> write_failure;
  Deadline deadline = Deadline::never();
  SteadyTime sent_at{};
  SteadyTime reading_since = SteadyTime::max();  // max: no read is pending

 private:
  void beat();
  void arm();

  asio::steady_timer beat_timer;
  net::TaskGroup tasks;
};

/// The right to write to lower. Part of a frame may be out if it is given back before done(), also
/// by a coroutine that is destroyed: then nothing can follow.
class Turn {
 public:
  explicit Turn(TunnelState& state) : state_(&state) { state_->writing = true; }
  ~Turn() {
    if (state_ == nullptr) return;
    if (!done_ && !state_->write_failure)
      state_->write_failure = Error{ErrorCode::cancelled, "a frame was cut off", {}, {}};
    state_->writing = false;
    state_->sent_at = std::chrono::steady_clock::now();
    if (state_->waiting_for_turn > 0) state_->turn.cancel();
  }
  Turn(Turn&& other) noexcept : state_(std::exchange(other.state_, nullptr)), done_(other.done_) {}
  Turn& operator=(Turn&&) = delete;
  void done() { done_ = true; }
  /// How it ended.
  void done(const Result<void>& written) {
    done_ = written.has_value();
    if (!written) state_->write_failure = written.error();
  }

 private:
  TunnelState* state_;
  bool done_ = false;
};

/// Woken whenever a turn ends.
asio::awaitable<void> wait_for_turn(std::shared_ptr<TunnelState> state);

/// While it lives, silence is counted.
class PendingRead {
 public:
  explicit PendingRead(TunnelState& state) : state_(state) {
    state_.reading_since = std::chrono::steady_clock::now();
  }
  ~PendingRead() { state_.reading_since = SteadyTime::max(); }
  PendingRead(const PendingRead&) = delete;
  PendingRead& operator=(const PendingRead&) = delete;

 private:
  TunnelState& state_;
};

/// Writes one frame in a Turn of its own: nobody else may be writing.
Task<void> write_frame(std::shared_ptr<TunnelState> state, FrameType type, ByteSpan payload);
Eventually<Result<void>> start_frame(const std::shared_ptr<TunnelState>& state, FrameType type,
                                     ByteSpan payload);

}  // namespace hoop::session
