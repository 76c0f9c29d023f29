// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/inflow.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace hoop::http_target {
namespace {

// Room for a read. Most messages are short, and room is filled with zeros when it is made; whose
// reads fill it gets more, so that bulk data moves in few system calls.
constexpr std::size_t kRoom = std::size_t{8} << 10;
constexpr std::size_t kMuchRoom = std::size_t{128} << 10;

}  // namespace

struct Inflow::State {
  explicit State(net::StreamPtr of) : stream(std::move(of)), arrived(stream->executor()) {
    arrived.expires_at(asio::steady_timer::time_point::max());
  }
  /// Behind what is unread.
  MutableByteSpan room() {
    if (begin == end) begin = end = 0;
    const std::size_t wanted = was_full ? kMuchRoom : kRoom;
    if (buffer.size() - end < wanted / 2) {
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(begin),
                buffer.begin() + static_cast<std::ptrdiff_t>(end), buffer.begin());
      end -= begin;
      begin = 0;
      if (buffer.size() - end < wanted / 2) buffer.resize(end + wanted);
    }
    return MutableByteSpan(buffer).subspan(end);
  }

  net::StreamPtr stream;
  Bytes buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool was_full = false;  // the last read has filled what there was
  asio::steady_timer arrived;
  bool is_watched = false;
  bool is_awaited = false;
  std::optional<Result<std::size_t>> result;  // of the watch
  std::function<void()> gone;
};

Inflow::Inflow(net::StreamPtr stream) : state_(std::make_shared<State>(std::move(stream))) {}

Inflow::~Inflow() {
  state_->gone = nullptr;
  state_->stream->close();
}

net::Stream& Inflow::stream() { return *state_->stream; }

ByteSpan Inflow::unread() const {
  return ByteSpan(state_->buffer).subspan(state_->begin, state_->end - state_->begin);
}

void Inflow::consume(std::size_t count) {
  HOOP_ASSERT(count <= state_->end - state_->begin);
  state_->begin += count;
}

bool Inflow::is_watched() const { return state_->is_watched || state_->result.has_value(); }

asio::awaitable<void> Inflow::read_beside(std::shared_ptr<State> state) {
  Result<std::size_t> got = co_await state->stream->read_some(state->room());
  state->is_watched = false;
  const bool is_end = !got || *got == 0;
  state->result = std::move(got);
  state->arrived.cancel();
  if (is_end && state->gone && !state->is_awaited) std::exchange(state->gone, nullptr)();
}

void Inflow::watch(std::function<void()> gone) {
  const bool is_end = state_->result && (!*state_->result || **state_->result == 0);
  if (is_end) return gone();
  if (state_->result) return;
  state_->gone = std::move(gone);
  if (state_->is_watched) return;
  state_->is_watched = true;
  asio::co_spawn(state_->stream->executor(), read_beside(state_), [](const std::exception_ptr&) {});
}

Task<bool> Inflow::more() {
  const std::shared_ptr<State> state = state_;
  if (state->is_watched) {
    state->is_awaited = true;
    while (state->is_watched) co_await state->arrived.async_wait(as_result);
    state->is_awaited = false;
  }
  Result<std::size_t> got = std::size_t{0};
  if (state->result) {
    got = std::move(*state->result);
    state->result.reset();
  } else {
    got = co_await state->stream->read_some(state->room());
  }
  if (!got) co_return std::unexpected(std::move(got).error());
  state->end += *got;
  state->was_full = state->end == state->buffer.size();
  co_return *got != 0;
}

void Inflow::release() {
  // What short messages need stays.
  if (state_->begin == state_->end && !is_watched() && state_->buffer.size() > 2 * kRoom) {
    state_->was_full = false;
    state_->buffer = {};
    state_->begin = state_->end = 0;
  }
}

}  // namespace hoop::http_target
