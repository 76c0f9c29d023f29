// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/net/task_group.h"

namespace hoop::session {
namespace {

using std::chrono::steady_clock;

// An opening is some hundred bytes, with what the program pipelined behind it.
constexpr std::size_t kOpeningReadBytes = 4 * 1024;
constexpr std::size_t kDrainReadBytes = 16 * 1024;
constexpr std::size_t kMaxDrained = 1024 * 1024;

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

  void start();
  void set_deadline(Deadline wanted);
  void close() { fail_with({ErrorCode::cancelled, "the tunnel was closed", {}, {}}); }
  void fail_with(Error error);
  void fail_by_reset();
  std::optional<Error> why_not_written() const;
  std::size_t take_early(MutableByteSpan out);
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

using StatePtr = std::shared_ptr<TunnelState>;

/// The right to write to lower. Part of a frame may be out if it is given back before done(), also
/// by a coroutine that is destroyed: then nothing can follow.
class Turn {
 public:
  explicit Turn(TunnelState& state) : state_(state) { state_.writing = true; }
  ~Turn() {
    if (!done_ && !state_.write_failure)
      state_.write_failure = Error{ErrorCode::cancelled, "a frame was cut off", {}, {}};
    state_.writing = false;
    state_.sent_at = steady_clock::now();
    state_.turn.cancel();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  void done() { done_ = true; }

 private:
  TunnelState& state_;
  bool done_ = false;
};

/// While it lives, silence is counted.
class PendingRead {
 public:
  explicit PendingRead(TunnelState& state) : state_(state) {
    state_.reading_since = steady_clock::now();
  }
  ~PendingRead() { state_.reading_since = SteadyTime::max(); }
  PendingRead(const PendingRead&) = delete;
  PendingRead& operator=(const PendingRead&) = delete;

 private:
  TunnelState& state_;
};

/// The caller has seen that nobody else is writing.
Task<void> write_frame(StatePtr state, FrameType type, ByteSpan payload) {
  Turn turn(*state);
  state->sending.clear();
  append_frame(state->sending, type, payload);
  auto written = co_await state->lower->write_all(state->sending);
  if (written) {
    turn.done();
  } else {
    state->write_failure = written.error();
  }
  co_return written;
}

Task<void> send_frame(StatePtr state, FrameType type, ByteSpan payload) {
  while (state->writing) co_await state->turn.async_wait(as_result);
  if (auto why = state->why_not_written()) co_return std::unexpected(std::move(*why));
  // Set before it is out: a heartbeat behind it would be malformed.
  if (type == FrameType::end) state->end_sent = true;
  auto written = co_await write_frame(state, type, payload);
  if (!written && state->failure) co_return std::unexpected(*state->failure);
  co_return written;
}

asio::awaitable<void> send_idle(StatePtr state) {
  // Something else may have been sent since the timer fired.
  if (state->writing || state->why_not_written()) co_return;
  const auto written = co_await write_frame(state, FrameType::idle, ByteSpan());
  // Who writes next is told by write_failure.
  static_cast<void>(written);
}

/// Once both sides have ended: nothing more comes or goes, so that close_notify cuts nothing off.
Task<void> finish(StatePtr state) {
  if (!state->end_sent || !state->end_received || state->finished) co_return Result<void>{};
  state->finished = true;
  while (state->writing) co_await state->turn.async_wait(as_result);
  Turn turn(*state);
  auto ended = co_await state->lower->shutdown_write();
  if (ended) turn.done();
  co_return ended;
}

Task<void> write(StatePtr state, ByteSpan in) {
  HOOP_ASSERT(state->frames);
  while (!in.empty()) {
    const auto part = in.first(std::min(in.size(), kMaxFramePayload));
    HOOP_CO_CHECK(co_await send_frame(state, FrameType::data, part));
    in = in.subspan(part.size());
  }
  co_return Result<void>{};
}

Task<void> shut_down(StatePtr state) {
  HOOP_ASSERT(state->frames);
  if (state->end_sent && !state->failure) co_return Result<void>{};
  HOOP_CO_CHECK(co_await send_frame(state, FrameType::end, ByteSpan()));
  co_return co_await finish(state);
}

/// Bytes as they come, headers and all; at least one.
Task<std::size_t> receive(StatePtr state, MutableByteSpan out) {
  if (state->failure) co_return std::unexpected(*state->failure);
  if (const auto count = state->take_early(out)) {
    if (state->deadline.when() <= steady_clock::now())
      co_return fail(ErrorCode::timeout, "the peer took too long");
    co_return count;
  }
  const PendingRead pending(*state);
  auto count = co_await state->lower->read_some(out);
  if (state->failure) co_return std::unexpected(*state->failure);
  if (count && *count == 0)
    co_return fail(ErrorCode::io,
                   fmt::format("read {}: the tunnel was cut off", state->lower->peer_name()));
  co_return count;
}

Task<std::size_t> read(StatePtr state, MutableByteSpan out) {
  HOOP_ASSERT(!out.empty() && state->frames);
  for (;;) {
    if (state->failure) co_return std::unexpected(*state->failure);
    if (state->read_failure) co_return std::unexpected(*state->read_failure);
    if (state->end_received) co_return std::size_t{0};
    HOOP_CO_TRY(auto count, co_await receive(state, out));
    count = state->unframe(out.first(count));
    // The end stands whether or not the peer still hears our close_notify.
    if (state->end_received) static_cast<void>(co_await finish(state));
    if (count != 0) co_return count;
  }
}

Task<void> send_opening(StatePtr state, Opening opening) {
  HOOP_ASSERT(!state->frames);
  HOOP_CO_TRY(const auto payload, encode_opening(opening));
  if (!state->early.empty() && state->early[0] != static_cast<std::uint8_t>(FrameType::reset))
    co_return fail(ErrorCode::malformed, "the gateway sent data before the opening of the tunnel");
  state->frames.emplace(FrameReader::Sender::gateway);
  HOOP_CO_CHECK(co_await send_frame(state, FrameType::opening, payload));
  state->start();
  co_return Result<void>{};
}

Task<Opening> receive_opening(StatePtr state, Deadline deadline) {
  HOOP_ASSERT(!state->frames);
  state->set_deadline(deadline);
  state->frames.emplace(FrameReader::Sender::client);
  Bytes buffer(kOpeningReadBytes);
  for (;;) {
    HOOP_CO_TRY(const auto count, co_await receive(state, buffer));
    auto in = ByteSpan(buffer).first(count);
    HOOP_CO_TRY(const auto event, state->frames->next(in));
    if (event == FrameReader::Event::need_more) continue;
    if (event == FrameReader::Event::reset) {
      state->fail_by_reset();
      co_return std::unexpected(*state->failure);
    }
    // The reader lets nothing else come first.
    HOOP_ASSERT(event == FrameReader::Event::opening);
    HOOP_CO_TRY(auto opening, decode_opening(state->frames->payload()));
    // What is left goes back in front of what was not yet taken.
    state->early.erase(state->early.begin(),
                       state->early.begin() + static_cast<std::ptrdiff_t>(state->early_from));
    state->early.insert(state->early.begin(), in.begin(), in.end());
    state->early_from = 0;
    state->set_deadline(Deadline::never());
    state->start();
    co_return std::move(opening);
  }
}

/// A connection that is closed while bytes of the peer lie unread is reset by the system, and our
/// last words may be lost with it: they are taken for a moment.
Task<void> drain(StatePtr state) {
  Bytes buffer(kDrainReadBytes);
  for (std::size_t taken = 0; taken < kMaxDrained;) {
    HOOP_CO_TRY(const auto count, co_await state->lower->read_some(buffer));
    if (count == 0) break;
    taken += count;
  }
  co_return Result<void>{};
}

Task<void> tell_reset(StatePtr state, std::string_view reason) {
  while (state->writing) co_await state->turn.async_wait(as_result);
  if (state->write_failure) co_return std::unexpected(*state->write_failure);
  HOOP_CO_CHECK(
      co_await write_frame(state, FrameType::reset, as_bytes(reason.substr(0, kMaxResetReason))));
  HOOP_CO_CHECK(co_await state->lower->shutdown_write());
  // A pending read means that nothing lies unread; and there may be one only.
  if (state->reading_since != SteadyTime::max()) co_return Result<void>{};
  co_return co_await drain(state);
}

Task<void> reset(StatePtr state, std::string reason) {
  if (state->failure) co_return Result<void>{};
  // Stops the others at their next step; lower stays open for the last frame.
  state->failure = Error{ErrorCode::cancelled, "the tunnel was given up", {}, {}};
  state->lower->set_deadline(Deadline::at(steady_clock::now() + state->times.reset));
  static_cast<void>(co_await tell_reset(state, reason));
  state->close();
  co_return Result<void>{};
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

/// Leaves the program's bytes at the front and answers how many: they were received where the
/// caller wants them, and move by the headers before them only.
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

class FramedTunnel final : public Tunnel {
 public:
  explicit FramedTunnel(StatePtr state) : state_(std::move(state)) {}
  ~FramedTunnel() override { state_->close(); }
  FramedTunnel(const FramedTunnel&) = delete;
  FramedTunnel& operator=(const FramedTunnel&) = delete;

  Task<void> send_opening(Opening opening) override {
    return session::send_opening(state_, std::move(opening));
  }
  Task<Opening> receive_opening(Deadline deadline) override {
    return session::receive_opening(state_, deadline);
  }
  Task<void> reset(std::string reason) override {
    return session::reset(state_, std::move(reason));
  }
  Task<std::size_t> read_some(MutableByteSpan out) override { return read(state_, out); }
  Task<void> write_all(ByteSpan in) override { return write(state_, in); }
  Task<void> shutdown_write() override { return shut_down(state_); }
  void close() override { state_->close(); }
  void set_deadline(Deadline deadline) override { state_->set_deadline(deadline); }
  asio::any_io_executor executor() override { return state_->lower->executor(); }
  std::string peer_name() const override { return state_->lower->peer_name(); }

 private:
  StatePtr state_;
};

}  // namespace

std::unique_ptr<Tunnel> Tunnel::over(net::StreamPtr lower, Bytes early, TunnelTimes times) {
  return std::make_unique<FramedTunnel>(
      std::make_shared<TunnelState>(std::move(lower), std::move(early), times));
}

}  // namespace hoop::session
