// SPDX-License-Identifier: Apache-2.0
#include "gateway/lent_stream.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kTakenAtMost = 1U << 20;
constexpr std::size_t kBufferBytes = 16U << 10;

/// Shared with the operations under way, so that the borrower's end may go while one is pending.
struct Lent {
  std::shared_ptr<net::Stream> stream;
  std::shared_ptr<Metrics> metrics;
  SteadyTime begun = std::chrono::steady_clock::now();
  bool answered = false;
  unsigned pending = 0;
  bool closed = false;
};

class Pending {
 public:
  explicit Pending(Lent& lent) : lent_(lent) { ++lent_.pending; }
  ~Pending() { --lent_.pending; }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

 private:
  Lent& lent_;
};

std::unexpected<Error> was_closed() {
  return fail(ErrorCode::cancelled, "the connection was closed");
}

Task<std::size_t> read(std::shared_ptr<Lent> lent, MutableByteSpan out) {
  if (lent->closed) co_return was_closed();
  const Pending pending(*lent);
  auto count = co_await lent->stream->read_some(out);
  if (count && lent->metrics) lent->metrics->came_from_program(*count);
  co_return count;
}

void count_write(Lent& lent, ByteSpan in) {
  if (!lent.metrics) return;
  lent.metrics->went_to_program(in.size());
  if (!std::exchange(lent.answered, true))
    lent.metrics->took(Stage::open, std::chrono::steady_clock::now() - lent.begun);
}

Task<void> write(std::shared_ptr<Lent> lent, ByteSpan in) {
  if (lent->closed) co_return was_closed();
  const Pending pending(*lent);
  count_write(*lent, in);
  co_return co_await lent->stream->write_all(in);
}

Task<void> finish_write(std::shared_ptr<Lent> lent, Task<void> writing) {
  const Pending pending(*lent);
  co_return co_await std::move(writing);
}

Eventually<Result<void>> start_write(const std::shared_ptr<Lent>& lent, ByteSpan in) {
  using Written = Eventually<Result<void>>;
  if (lent->closed) return Written(Result<void>(was_closed()));
  count_write(*lent, in);
  auto writing = lent->stream->start_write(in);
  if (!writing.ready()) return Written(finish_write(lent, writing.wait()));
  return writing;
}

Task<void> shut_down(std::shared_ptr<Lent> lent) {
  if (lent->closed) co_return was_closed();
  const Pending pending(*lent);
  co_return co_await lent->stream->shutdown_write();
}

class LentStream final : public net::Stream {
 public:
  LentStream(std::shared_ptr<net::Stream> stream, std::shared_ptr<Metrics> metrics)
      : lent_(std::make_shared<Lent>(Lent{std::move(stream), std::move(metrics)})) {}
  ~LentStream() override { LentStream::close(); }

  Task<std::size_t> read_some(MutableByteSpan out) override { return read(lent_, out); }
  Task<void> write_all(ByteSpan in) override { return write(lent_, in); }
  Eventually<Result<void>> start_write(ByteSpan in) override {
    return gateway::start_write(lent_, in);
  }
  Task<void> shutdown_write() override { return shut_down(lent_); }
  void close() override {
    lent_->closed = true;
    if (lent_->pending > 0) lent_->stream->close();
  }
  void set_deadline(Deadline deadline) override {
    if (!lent_->closed) lent_->stream->set_deadline(deadline);
  }
  asio::any_io_executor executor() override { return lent_->stream->executor(); }
  Bytes server_end_point() const override { return lent_->stream->server_end_point(); }
  std::string application_protocol() const override {
    return lent_->stream->application_protocol();
  }
  Bytes exporter(std::string_view label) const override { return lent_->stream->exporter(label); }
  std::string peer_name() const override { return lent_->stream->peer_name(); }

 private:
  std::shared_ptr<Lent> lent_;
};

Task<void> say_good_bye(net::Stream& stream) {
  HOOP_CO_CHECK(co_await stream.shutdown_write());
  Bytes buffer(kBufferBytes);
  for (std::size_t taken = 0; taken < kTakenAtMost;) {
    HOOP_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) break;
    taken += count;
  }
  co_return Result<void>{};
}

}  // namespace

net::StreamPtr lend(std::shared_ptr<net::Stream> stream, std::shared_ptr<Metrics> metrics) {
  return std::make_unique<LentStream>(std::move(stream), std::move(metrics));
}

asio::awaitable<void> part_from(std::shared_ptr<net::Stream> stream,
                                std::chrono::milliseconds span) {
  stream->set_deadline(Deadline::at(std::chrono::steady_clock::now() + span));
  // Whatever the peer makes of it: the stream is closed.
  static_cast<void>(co_await say_good_bye(*stream));
  stream->close();
}

}  // namespace hoop::gateway
