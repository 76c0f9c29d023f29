// SPDX-License-Identifier: Apache-2.0
#include "core/session/agent_control.h"

#include <fmt/format.h>

#include "core/net/task_group.h"

namespace hoop::session {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kEarlyBytes = 4096;
// Two hundred dials: an agent that is this far behind serves nobody.
constexpr std::size_t kMaxWaiting = 64U << 10;
constexpr std::chrono::seconds kFinishTime{1};

class Control final : public AgentControl {
 public:
  Control(net::StreamPtr lower, Bytes early, ControlReader::Sender peer, ControlTimes times)
      : lower_(std::move(lower)),
        early_(std::move(early)),
        reader_(peer),
        times_(times),
        wake_(lower_->executor()),
        writing_(lower_->executor()) {}
  ~Control() override { lower_->close(); }

  void start() {
    lower_->set_deadline(Deadline::at(steady_clock::now() + times_.lost));
    writing_.spawn(write_loop(std::static_pointer_cast<Control>(shared_from_this())));
  }

  bool send(const ControlMessage& message) override {
    if (state_ != State::open || waiting_.size() > kMaxWaiting) return false;
    append_control(waiting_, message);
    wake_.cancel();
    return true;
  }

  Task<ControlMessage> receive() override {
    return receive_one(std::static_pointer_cast<Control>(shared_from_this()));
  }

  void finish() override {
    if (state_ != State::open) return;
    state_ = State::finishing;
    lower_->set_deadline(Deadline::at(steady_clock::now() + kFinishTime));
    wake_.cancel();
  }

  void close() override {
    state_ = State::closed;
    wake_.cancel();
    lower_->close();
  }
  bool is_open() const override { return state_ == State::open; }
  Bytes exporter() const override { return lower_->exporter(kAgentExporterLabel); }

 private:
  enum class State { open, finishing, closed };

  static asio::awaitable<void> write_loop(std::shared_ptr<Control> self) {
    for (;;) {
      if (self->waiting_.empty() && self->state_ == State::open) {
        self->wake_.expires_after(self->times_.heartbeat);
        const auto [woken] = co_await self->wake_.async_wait(as_result);
        if (!woken && self->state_ == State::open) append_control(self->waiting_, Heartbeat{});
      }
      if (self->state_ == State::closed) co_return;
      const Bytes out = std::exchange(self->waiting_, {});
      if (!out.empty()) {
        const auto written = co_await self->lower_->write_all(out);
        if (!written) co_return self->close();
      }
      if (self->state_ == State::finishing && self->waiting_.empty()) break;
    }
    static_cast<void>(co_await self->lower_->shutdown_write());
    self->close();
  }

  static Task<ControlMessage> receive_one(std::shared_ptr<Control> self) {
    auto message = co_await self->next();
    if (!message) self->close();
    co_return message;
  }

  Task<ControlMessage> next() {
    for (;;) {
      for (ByteSpan in(early_); !in.empty();) {
        auto message = reader_.next(in);
        if (!message) co_return std::unexpected(std::move(message).error());
        if (!*message || std::holds_alternative<Heartbeat>(**message)) continue;
        early_ = Bytes(in.begin(), in.end());
        co_return std::move(**message);
      }
      early_.resize(kEarlyBytes);
      auto count = co_await lower_->read_some(early_);
      early_.resize(count ? *count : 0);
      if (!count) co_return std::unexpected(std::move(count).error());
      if (*count == 0)
        co_return fail(ErrorCode::io,
                       fmt::format("read {}: the other end has ended", lower_->peer_name()));
      if (state_ == State::open)
        lower_->set_deadline(Deadline::at(steady_clock::now() + times_.lost));
    }
  }

  net::StreamPtr lower_;
  Bytes early_;  // read and not yet taken apart
  ControlReader reader_;
  ControlTimes times_;
  Bytes waiting_;  // to be written
  State state_ = State::open;
  asio::steady_timer wake_;
  net::TaskGroup writing_;
};

}  // namespace

std::shared_ptr<AgentControl> AgentControl::over(net::StreamPtr lower, Bytes early,
                                                 ControlReader::Sender peer, ControlTimes times) {
  auto made = std::make_shared<Control>(std::move(lower), std::move(early), peer, times);
  made->start();
  return made;
}

}  // namespace hoop::session
