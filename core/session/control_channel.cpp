// SPDX-License-Identifier: Apache-2.0
#include "core/session/control_channel.h"

#include <array>

namespace hoop::session {
namespace {

constexpr std::size_t kMaxUnsent = 8U << 20;
constexpr std::size_t kReadBytes = 4096;

}  // namespace

/// Shared with the writer, so that a channel may go while it writes.
struct ControlChannel::State {
  State(net::StreamPtr below, std::size_t longest)
      : stream(std::move(below)), lines(longest), written(stream->executor(), SteadyTime::max()) {}

  net::StreamPtr stream;
  LineSplitter lines;
  std::string unsent;
  bool writing = false;
  bool closed = false;
  asio::steady_timer written;  // never expires; cancelled when the writer rests
};

ControlChannel::ControlChannel(net::StreamPtr stream, std::string_view early, std::size_t longest)
    : state_(std::make_shared<State>(std::move(stream), longest)) {
  state_->lines.feed(as_bytes(early));
}

ControlChannel::~ControlChannel() { close(); }

void ControlChannel::close() {
  state_->closed = true;
  state_->stream->close();
}

void ControlChannel::post(std::string lines) {
  if (state_->closed) return;
  state_->unsent += lines;
  if (state_->unsent.size() > kMaxUnsent) return close();
  if (state_->writing) return;
  state_->writing = true;
  asio::co_spawn(state_->stream->executor(), write_all(state_), [](const std::exception_ptr&) {});
}

asio::awaitable<void> ControlChannel::write_all(std::shared_ptr<State> state) {
  while (!state->closed && !state->unsent.empty()) {
    const std::string lines = std::exchange(state->unsent, {});
    const auto sent = co_await state->stream->write_all(as_bytes(lines));
    if (!sent) {
      state->closed = true;
      state->stream->close();
    }
  }
  state->writing = false;
  state->written.cancel();
}

asio::awaitable<void> ControlChannel::flush() {
  const auto state = state_;
  while (state->writing) co_await state->written.async_wait(as_result);
}

Task<std::string> ControlChannel::receive(Deadline deadline) {
  const auto state = state_;
  state->stream->set_deadline(deadline);
  for (;;) {
    HOOP_CO_TRY(auto line, state->lines.next());
    if (line) co_return std::move(*line);
    std::array<std::uint8_t, kReadBytes> buffer{};
    HOOP_CO_TRY(const std::size_t count, co_await state->stream->read_some(buffer));
    if (count == 0) co_return fail(ErrorCode::io, "the other side has ended the control channel");
    state->lines.feed(ByteSpan(buffer).first(count));
  }
}

}  // namespace hoop::session
