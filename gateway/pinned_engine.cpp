// SPDX-License-Identifier: Apache-2.0
#include "gateway/pinned_engine.h"

#include "core/net/ask_loop.h"
#include "gateway/lent_stream.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kOpeningTime{10};
constexpr std::chrono::seconds kPartingTime{1};

using EnginePtr = std::shared_ptr<session::SessionEngine>;

}  // namespace

PinnedEngine::PinnedEngine(Parts parts, std::unique_ptr<session::SessionEngine> engine)
    : parts_(std::move(parts)),
      session_(engine->grant().session),
      loop_(parts_.seat->executor()),
      engine_(std::move(engine)) {}

void PinnedEngine::on_news(std::function<void(session::FromGateway)> listener) {
  const auto told =
      std::make_shared<const std::function<void(session::FromGateway)>>(std::move(listener));
  const auto tell = [told, home = parts_.home](session::FromGateway news) {
    asio::post(home, [told, news = std::move(news)]() mutable { (*told)(std::move(news)); });
  };
  session::Gate& gate = engine_->gate();
  gate.on_denial([tell](const access::Action& action, const access::Decision& decision) {
    tell(session::ControlDenied{decision.rule, decision.message, decision.hint, action.verb});
  });
  gate.on_approval([tell](const access::Action& action, const access::Decision& decision,
                          bool waits) { tell(session::approval_news(action, decision, waits)); });
}

void PinnedEngine::serve(net::StreamPtr stream, Bytes early, std::shared_ptr<void> place) {
  auto moved = stream->move_to(loop_);
  if (!moved) {
    log_not_opened(moved.error().code);
    return;
  }
  asio::post(loop_, [self = shared_from_this(), on_loop = std::move(*moved),
                     early = std::move(early), place = std::move(place)]() mutable {
    auto tunnel = session::Tunnel::over(std::move(on_loop), std::move(early));
    ++self->serving_;
    const Seat& seat = *self->parts_.seat;
    seat.spawn(serve_one(std::move(self), std::move(tunnel), std::move(place)));
  });
}

void PinnedEngine::log_not_opened(ErrorCode code) {
  parts_.log.info("stream.not_opened",
                  {{"session", session_}, {"code", std::string(to_string(code))}});
}

asio::awaitable<void> PinnedEngine::serve_one(Self self, std::unique_ptr<session::Tunnel> tunnel,
                                              [[maybe_unused]] std::shared_ptr<void> place) {
  struct Counted {
    explicit Counted(PinnedEngine& engine_) : engine(engine_) {}
    ~Counted() { engine.served(); }
    PinnedEngine& engine;
  } const counted(*self);
  if (self->closed_) {
    co_await tunnel->reset("access has ended");
    co_return;
  }
  session::Tunnel* const waiting = tunnel.get();
  self->opening_.insert(waiting);
  auto opening =
      co_await tunnel->receive_opening(Deadline::after(self->parts_.clock, kOpeningTime));
  self->opening_.erase(waiting);
  if (!opening || self->closed_) {
    self->log_not_opened(opening ? ErrorCode::cancelled : opening.error().code);
    co_await tunnel->reset(self->closed_ ? "access has ended"
                                         : "the opening did not come as it must");
    co_return;
  }
  const std::shared_ptr<session::Tunnel> lent = std::move(tunnel);
  const EnginePtr engine = self->engine_;
  const auto served = co_await engine->serve(lend(lent, self->parts_.metrics), std::move(*opening));
  co_await part_from(lent, kPartingTime);
  // The program has read why; a remote's words are in the message.
  if (!served)
    self->parts_.log.info("stream.failed", {{"session", self->session_},
                                            {"code", std::string(to_string(served.error().code))}});
}

/// The last one lets the engine go, if somebody waits for it.
void PinnedEngine::served() {
  if (--serving_ > 0 || !on_released_) return;
  std::exchange(on_released_, nullptr)(std::move(engine_));
}

void PinnedEngine::open_no_more() {
  asio::post(loop_, [self = shared_from_this()] { self->closed_ = true; });
}

void PinnedEngine::end_all(std::string reason, std::function<void()> on_told) {
  asio::post(loop_, [self = shared_from_this(), reason = std::move(reason),
                     told = std::move(on_told)]() mutable {
    self->closed_ = true;
    for (session::Tunnel* tunnel : self->opening_) tunnel->close();
    if (self->engine_) self->engine_->end_all(std::move(reason));
    asio::post(self->parts_.home, std::move(told));
  });
}

void PinnedEngine::announce(std::string words) {
  asio::post(loop_, [self = shared_from_this(), words = std::move(words)]() mutable {
    if (self->engine_) self->engine_->announce(std::move(words));
  });
}

void PinnedEngine::note_renewed(SystemTime expires_at) {
  asio::post(loop_, [self = shared_from_this(), expires_at] {
    if (self->engine_) self->engine_->note_renewed(expires_at);
  });
}

void PinnedEngine::take_policy(access::PolicyDocument part, std::function<void()> on_refused) {
  asio::post(loop_, [self = shared_from_this(), part = std::move(part),
                     refused = std::move(on_refused)]() mutable {
    if (!self->engine_ || self->engine_->take_policy(std::move(part))) return;
    asio::post(self->parts_.home, std::move(refused));
  });
}

asio::awaitable<EnginePtr> PinnedEngine::release() {
  net::Question<EnginePtr> question =
      [self = shared_from_this()](net::Answer<EnginePtr> answer) mutable {
        HOOP_ASSERT(self->closed_ && self->engine_);
        self->on_released_ = std::move(answer);
        ++self->serving_;
        self->served();
      };
  auto released = co_await net::ask_loop(loop_, question);
  co_return released ? std::move(*released) : nullptr;
}

}  // namespace hoop::gateway
