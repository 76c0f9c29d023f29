// SPDX-License-Identifier: Apache-2.0
// The in-memory pair: two bounded pipes, crossed.
#include <algorithm>

#include "core/net/stream.h"
#include "core/net/stream_state.h"

namespace hoop::net {
namespace {

constexpr std::size_t kPipeCapacity = 256 * 1024;

/// One direction. Its two timers never expire: cancelling one wakes the side that waits on it.
struct Pipe {
  explicit Pipe(const asio::any_io_executor& executor)
      : readable(executor, SteadyTime::max()), writable(executor, SteadyTime::max()) {}
  std::size_t unread() const { return bytes.size() - taken; }
  std::size_t take(MutableByteSpan out) {
    const auto count = std::min(out.size(), unread());
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(taken), count, out.begin());
    taken += count;
    if (taken == bytes.size()) {
      bytes.clear();
      taken = 0;
    }
    writable.cancel();
    return count;
  }
  std::size_t put(ByteSpan in) {
    const auto count = std::min(in.size(), kPipeCapacity - unread());
    if (bytes.size() + count > 2 * kPipeCapacity) {
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      taken = 0;
    }
    bytes.insert(bytes.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    readable.cancel();
    return count;
  }
  void wake() {
    readable.cancel();
    writable.cancel();
  }

  Bytes bytes;
  std::size_t taken = 0;
  bool writer_done = false;
  bool reader_gone = false;
  asio::steady_timer readable;
  asio::steady_timer writable;
};

struct MemoryState final : StreamState {
  MemoryState(const asio::any_io_executor& executor, std::shared_ptr<Pipe> in,
              std::shared_ptr<Pipe> out)
      : StreamState(executor), incoming(std::move(in)), outgoing(std::move(out)) {}
  void interrupt() override {
    incoming->wake();
    outgoing->wake();
  }
  void release() override {
    incoming->reader_gone = true;
    outgoing->writer_done = true;
    interrupt();
  }

  std::shared_ptr<Pipe> incoming;
  std::shared_ptr<Pipe> outgoing;
};

Task<std::size_t> read(std::shared_ptr<MemoryState> state, MutableByteSpan out) {
  HOOP_ASSERT(!out.empty());
  auto& pipe = *state->incoming;
  if (state->wants_turn()) co_await asio::post(pipe.readable.get_executor(), asio::use_awaitable);
  for (;;) {
    if (auto end = state->ended()) co_return std::unexpected(std::move(*end).within("read memory"));
    if (pipe.unread() != 0) co_return pipe.take(out);
    if (pipe.writer_done) co_return std::size_t{0};
    co_await pipe.readable.async_wait(as_result);
  }
}

Task<void> write(std::shared_ptr<MemoryState> state, ByteSpan in) {
  auto& pipe = *state->outgoing;
  if (state->wants_turn()) co_await asio::post(pipe.writable.get_executor(), asio::use_awaitable);
  for (;;) {
    if (auto end = state->ended())
      co_return std::unexpected(std::move(*end).within("write memory"));
    if (in.empty()) co_return Result<void>{};
    if (pipe.reader_gone || pipe.writer_done)
      co_return fail(ErrorCode::io, "write memory: broken pipe");
    in = in.subspan(pipe.put(in));
    if (!in.empty()) co_await pipe.writable.async_wait(as_result);
  }
}

Task<void> shut_down(std::shared_ptr<MemoryState> state) {
  if (auto end = state->ended())
    co_return std::unexpected(std::move(*end).within("shut down memory"));
  state->outgoing->writer_done = true;
  state->outgoing->readable.cancel();
  co_return Result<void>{};
}

class MemoryStream final : public Stream {
 public:
  MemoryStream(asio::any_io_executor executor, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : executor_(executor),
        state_(std::make_shared<MemoryState>(executor, std::move(in), std::move(out))) {}
  ~MemoryStream() override { state_->close(); }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;

  Task<std::size_t> read_some(MutableByteSpan out) override { return read(state_, out); }
  Task<void> write_all(ByteSpan in) override { return write(state_, in); }
  Task<void> shutdown_write() override { return shut_down(state_); }
  void close() override { state_->close(); }
  void set_deadline(Deadline deadline) override { state_->set_deadline(deadline); }
  asio::any_io_executor executor() override { return executor_; }
  std::string peer_name() const override { return "memory"; }

 private:
  asio::any_io_executor executor_;
  std::shared_ptr<MemoryState> state_;
};

}  // namespace

std::pair<StreamPtr, StreamPtr> stream_pair(asio::any_io_executor executor) {
  auto there = std::make_shared<Pipe>(executor);
  auto back = std::make_shared<Pipe>(executor);
  return {std::make_unique<MemoryStream>(executor, back, there),
          std::make_unique<MemoryStream>(executor, there, back)};
}

}  // namespace hoop::net
