// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/session/tunnel_state.h"

namespace hoop::session {
namespace {

using std::chrono::steady_clock;

// An opening is some hundred bytes, with what the program pipelined behind it.
constexpr std::size_t kOpeningReadBytes = 4 * 1024;
constexpr std::size_t kDrainReadBytes = 16 * 1024;
constexpr std::size_t kMaxDrained = 1024 * 1024;

using StatePtr = std::shared_ptr<TunnelState>;

Task<void> send_frame(StatePtr state, FrameType type, ByteSpan payload) {
  while (state->writing) co_await wait_for_turn(state);
  if (auto why = state->why_not_written()) co_return std::unexpected(std::move(*why));
  // Set before it is out: a heartbeat behind it would be malformed.
  if (type == FrameType::end) state->end_sent = true;
  auto written = co_await write_frame(state, type, payload);
  if (!written && state->failure) co_return std::unexpected(*state->failure);
  co_return written;
}

/// Once both sides have ended: nothing more comes or goes, so that close_notify cuts nothing off.
Task<void> finish(StatePtr state) {
  if (!state->end_sent || !state->end_received || state->finished) co_return Result<void>{};
  state->finished = true;
  while (state->writing) co_await wait_for_turn(state);
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

Task<void> finish_write(StatePtr state, Task<void> writing) {
  auto written = co_await std::move(writing);
  if (!written && state->failure) co_return std::unexpected(*state->failure);
  co_return written;
}

Eventually<Result<void>> start_write(const StatePtr& state, ByteSpan in) {
  using Written = Eventually<Result<void>>;
  HOOP_ASSERT(state->frames);
  const bool is_simple = !in.empty() && in.size() <= kMaxFramePayload && !state->writing;
  if (!is_simple) return Written(write(state, in));
  if (auto why = state->why_not_written())
    return Written(Result<void>(std::unexpected(std::move(*why))));
  auto writing = start_frame(state, FrameType::data, in);
  if (!writing.ready()) return Written(finish_write(state, writing.wait()));
  return writing;
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
  while (state->writing) co_await wait_for_turn(state);
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
  Eventually<Result<void>> start_write(ByteSpan in) override {
    return session::start_write(state_, in);
  }
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
