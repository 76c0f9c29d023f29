// SPDX-License-Identifier: Apache-2.0
#include "gateway/live_session.h"

#include <algorithm>

#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxStreams = 256;  // as many connections as a program may hold at once
// A loop that is busy for longer does not keep the credential alive.
constexpr std::chrono::milliseconds kMayHear{500};
// A client whose end of the session was slow may still ask what came of it.
constexpr std::chrono::minutes kResultKept{10};

}  // namespace

LiveSession::LiveSession(Services services, Keys keys, std::unique_ptr<Seat> seat,
                         std::unique_ptr<session::SessionEngine> engine)
    : services_(std::move(services)),
      keys_(keys),
      id_(engine->grant().session),
      expires_at_(engine->grant().expires_at),
      identity_(engine->grant().identity),
      target_(engine->grant().target),
      database_role_(engine->grant().database_role),
      logins_(engine->grant().logins),
      policy_version_(engine->grant().policy.version),
      engine_(std::make_shared<PinnedEngine>(
          PinnedEngine::Parts{std::move(seat), services_.executor, services_.clock, services_.log,
                              services_.metrics},
          std::move(engine))),
      expiry_(services_.executor),
      notices_(services_.executor),
      patience_(services_.executor),
      heard_(services_.executor),
      ended_(services_.executor, asio::steady_timer::time_point::max()),
      revoking_(services_.executor),
      ending_(services_.executor) {}

void LiveSession::report_news() {
  engine_->on_news([weak = weak_from_this()](session::FromGateway news) {
    if (const auto self = weak.lock())
      self->services_.registry.tell_news(self->id_, std::move(news));
  });
}

void LiveSession::start() {
  report_news();
  watch_expiry();
}

void LiveSession::extend(SystemTime expires_at) {
  if (state_ != State::open) return;
  expires_at_ = expires_at;
  watch_expiry();
  engine_->note_renewed(expires_at);
}

void LiveSession::watch_expiry() {
  notices_.start(expires_at_, services_.clock, [weak = weak_from_this()](const std::string& words) {
    if (const auto self = weak.lock()) self->engine_->announce("hoopctl: " + words);
  });
  const auto left = expires_at_ - services_.clock.system_now();
  expiry_.expires_after(std::max(left, std::chrono::milliseconds(0)));
  expiry_.async_wait([weak = weak_from_this()](const std::error_code& failure) {
    const auto self = weak.lock();
    // It may have been renewed when this was on its way already; the date may have been put back,
    // which makes no access longer.
    if (failure || !self || self->expiry_.expiry() > asio::steady_timer::clock_type::now()) return;
    self->begin_end({"expired", -1, "access expired", std::chrono::milliseconds(0)});
  });
}

SystemTime LiveSession::forgotten_at() const { return expires_at_ + kResultKept; }

std::expected<LiveSession::PlacePtr, StreamRefusal> LiveSession::admit(const StreamProof& proof) {
  // The ticket first: without it nobody makes us verify signatures.
  const crypto::Digest256 ticket = crypto::sha256(proof.ticket.reveal());
  if (!equal_constant_time(ticket, keys_.ticket_digest))
    return std::unexpected(StreamRefusal::wrong);
  const Bytes text = session::tunnel_proof_text(proof.exporter, id_, proof.stream);
  if (!crypto::verify_ed25519(keys_.client, text, proof.signature) ||
      !numbers_.is_fresh(proof.stream)) {
    services_.log.warning("stream.refused",
                          {{"session", id_}, {"stream", std::to_string(proof.stream)}});
    return std::unexpected(StreamRefusal::wrong);
  }
  if (state_ != State::open) return std::unexpected(StreamRefusal::ended);
  if (streams_ >= kMaxStreams) return std::unexpected(StreamRefusal::too_many);
  numbers_.use(proof.stream);
  return std::make_shared<Place>(shared_from_this());
}

void LiveSession::serve(PlacePtr place, net::StreamPtr stream, Bytes early) {
  const auto engine = place->session().engine_;
  engine->serve(std::move(stream), std::move(early), std::move(place));
}

void LiveSession::begin_end(SessionEnding ending) {
  if (state_ != State::open) {
    // Whoever says that its program has ended cannot keep its streams from somebody's kill.
    if (state_ == State::ending && ending.patience.count() == 0) tell_end(ending.reason);
    return;
  }
  state_ = State::ending;
  engine_->open_no_more();
  expiry_.cancel();
  notices_.stop();
  if (ending.by_client) {
    services_.registry.client_ended(id_);
  } else {
    services_.registry.tell_end(id_, {ending.cause, ending.reason, ending.by, ending.words});
  }
  ending_.spawn(finish(shared_from_this(), std::move(ending)));
}

void LiveSession::apply(const access::PolicyEngine& policy) {
  if (state_ != State::open || policy.document().version == policy_version_) return;
  const auto now_allowed =
      policy.authorize(identity_, target_, std::chrono::seconds(0), services_.clock.system_now());
  if (!now_allowed) {
    begin_end({"revoked", -1, "access was revoked", std::chrono::milliseconds(0)});
    return;
  }
  const auto is_another = [weak = weak_from_this()] {
    if (const auto self = weak.lock())
      self->begin_end({"policy_changed", -1, "policy has changed: connect again",
                       std::chrono::milliseconds(0)});
  };
  // Its credential is the mapped role's, and of these logins.
  if (now_allowed->database_role() != database_role_ || now_allowed->logins() != logins_)
    return is_another();
  policy_version_ = policy.document().version;
  engine_->take_policy(policy.part_for(identity_, target_), is_another);
}

void LiveSession::tell_end(const std::string& reason) {
  if (told_) return;
  told_ = true;
  // First the handlers have the reason: a target that ends the session by itself gives none.
  heard_.expires_after(kMayHear);
  engine_->end_all(reason, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->heard_.expires_after(std::chrono::seconds(0));
  });
  // Whatever a handler does meanwhile: from now on the target ends it too.
  revoking_.spawn(revoke(shared_from_this()));
}

asio::awaitable<void> LiveSession::revoke(std::shared_ptr<LiveSession> self) {
  co_await self->heard_.async_wait(as_result);
  // A failure has been logged, and the sweep goes on.
  static_cast<void>(co_await self->services_.grants.revoke(self->id_));
}

asio::awaitable<void> LiveSession::finish(std::shared_ptr<LiveSession> self, SessionEnding ending) {
  LiveSession& s = *self;
  if (ending.patience.count() == 0) {
    s.tell_end(ending.reason);
  } else {
    s.patience_.expires_after(ending.patience);
    s.patience_.async_wait(
        [weak = s.weak_from_this(), reason = ending.reason](const std::error_code& failure) {
          const auto late = weak.lock();
          if (!failure && late) late->tell_end(reason);
        });
  }
  // Told to end, a handler ends: each of its waits has a deadline.
  auto engine = co_await s.engine_->release();
  s.patience_.cancel();
  s.tell_end(ending.reason);

  co_await seal(s, ending, std::move(engine));
  const auto delivered = co_await s.services_.delivery.deliver(s.id_);
  if (delivered) {
    s.result_.log_digest = delivered->digest;
    s.result_.receipt = delivered->receipt;
  }
  co_await s.revoking_.join();
  s.state_ = State::ended;
  s.ended_.cancel();
}

/// engine is the last reference but the work's: with it the log's file is closed.
asio::awaitable<void> LiveSession::seal(LiveSession& self, const SessionEnding& ending,
                                        std::shared_ptr<session::SessionEngine> engine) {
  Work<void> finish = [engine, ending]() -> Result<void> {
    // A log that cannot take it cannot be sealed either, and says so there.
    if (!ending.by.empty()) static_cast<void>(engine->note_ended_by(ending.by, ending.words));
    return engine->finish(ending.cause, ending.program_status);
  };
  // On the pool: it waits for the disk.
  const auto sealed = co_await self.services_.workers.run(finish);
  if (!sealed)
    self.services_.log.error("log.not_sealed",
                             {{"session", self.id_}, {"error", sealed.error().message}});
  self.result_.cause = ending.cause;
  self.result_.totals = engine->gate().totals();
  self.result_.log_digest = to_hex(engine->gate().log_digest());
  self.services_.log.info("session.ended",
                          {{"session", self.id_},
                           {"cause", ending.cause},
                           {"actions", std::to_string(self.result_.totals.allowed)},
                           {"denied", std::to_string(self.result_.totals.denied)}});
}

asio::awaitable<SessionResult> LiveSession::result() {
  const auto self = shared_from_this();
  while (self->state_ != State::ended) co_await self->ended_.async_wait(as_result);
  co_return self->result_;
}

}  // namespace hoop::gateway
