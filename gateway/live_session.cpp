// SPDX-License-Identifier: Apache-2.0
#include "gateway/live_session.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "gateway/lent_stream.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxStreams = 256;  // as many connections as a program may hold at once
constexpr std::chrono::seconds kOpeningTime{10};
constexpr std::chrono::seconds kPartingTime{1};
// A client whose end of the session was slow may still ask what came of it.
constexpr std::chrono::minutes kResultKept{10};

}  // namespace

LiveSession::LiveSession(Services services, Keys keys,
                         std::unique_ptr<session::SessionEngine> engine)
    : services_(std::move(services)),
      keys_(keys),
      engine_(std::move(engine)),
      id_(engine_->grant().session),
      expires_at_(engine_->grant().expires_at),
      expiry_(services_.executor),
      notices_(services_.executor),
      patience_(services_.executor),
      ended_(services_.executor, asio::steady_timer::time_point::max()),
      served_(services_.executor),
      revoking_(services_.executor),
      ending_(services_.executor) {}

/// The engine goes before the registry does.
void LiveSession::report_denials() {
  engine_->gate().on_denial([&registry = services_.registry, id = id_](
                                const access::Action& action, const access::Decision& decision) {
    registry.tell_denied(id, {decision.rule, decision.message, decision.hint, action.verb});
  });
}

void LiveSession::start() {
  report_denials();
  notices_.start(expires_at_, services_.clock, [weak = weak_from_this()](const std::string& words) {
    const auto self = weak.lock();
    if (self && self->engine_) self->engine_->announce("hoopctl: " + words);
  });
  const auto left = expires_at_ - services_.clock.system_now();
  expiry_.expires_after(std::max(left, std::chrono::milliseconds(0)));
  expiry_.async_wait([weak = weak_from_this()](const std::error_code& failure) {
    const auto self = weak.lock();
    if (failure || !self) return;
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

void LiveSession::serve(PlacePtr place, std::unique_ptr<session::Tunnel> tunnel) {
  LiveSession& session = place->session();
  session.served_.spawn(serve_stream(std::move(place), std::move(tunnel)));
}

asio::awaitable<void> LiveSession::serve_stream(PlacePtr place,
                                                std::unique_ptr<session::Tunnel> tunnel) {
  LiveSession& self = place->session();
  session::Tunnel* const waiting = tunnel.get();
  if (self.told_) {
    co_await tunnel->reset("access has ended");
    co_return;
  }
  self.opening_.insert(waiting);
  auto opening =
      co_await tunnel->receive_opening(Deadline::after(self.services_.clock, kOpeningTime));
  self.opening_.erase(waiting);
  if (!opening || self.state_ != State::open) {
    self.services_.log.info(
        "stream.not_opened",
        {{"session", self.id_},
         {"code", std::string(opening ? "ended" : to_string(opening.error().code))}});
    co_await tunnel->reset(opening ? "access has ended" : "the opening did not come as it must");
    co_return;
  }
  const std::shared_ptr<session::Tunnel> lent = std::move(tunnel);
  const auto served =
      co_await self.engine_->serve(lend(lent, self.services_.metrics), std::move(*opening));
  co_await part_from(lent, kPartingTime);
  // The program has read why; a remote's words are in the message.
  if (!served)
    self.services_.log.info(
        "stream.failed",
        {{"session", self.id_}, {"code", std::string(to_string(served.error().code))}});
}

void LiveSession::begin_end(SessionEnding ending) {
  if (state_ != State::open) {
    // Whoever says that its program has ended cannot keep its streams from somebody's kill.
    if (state_ == State::ending && ending.patience.count() == 0) tell_end(ending.reason);
    return;
  }
  state_ = State::ending;
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
  if (state_ != State::open) return;
  const access::Grant& grant = engine_->grant();
  if (policy.document().version == engine_->gate().policy().document().version) return;
  const auto now_allowed = policy.authorize(grant.identity, grant.target, std::chrono::seconds(0),
                                            services_.clock.system_now());
  if (!now_allowed) {
    begin_end({"revoked", -1, "access was revoked", std::chrono::milliseconds(0)});
    return;
  }
  // Its credential is the mapped role's.
  if (now_allowed->database_role() != grant.database_role ||
      !engine_->take_policy(policy.part_for(grant.identity, grant.target)))
    begin_end(
        {"policy_changed", -1, "policy has changed: connect again", std::chrono::milliseconds(0)});
}

void LiveSession::tell_end(const std::string& reason) {
  if (told_) return;
  told_ = true;
  for (session::Tunnel* tunnel : opening_) tunnel->close();
  engine_->end_all(reason);
  // Whatever a handler does meanwhile: from now on the target ends it too.
  revoking_.spawn(revoke(shared_from_this()));
}

asio::awaitable<void> LiveSession::revoke(std::shared_ptr<LiveSession> self) {
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
  co_await s.served_.join();
  s.patience_.cancel();
  s.tell_end(ending.reason);

  co_await seal(s, ending);
  const auto delivered = co_await s.services_.delivery.deliver(s.id_);
  if (delivered) {
    s.result_.log_digest = delivered->digest;
    s.result_.receipt = delivered->receipt;
  }
  co_await s.revoking_.join();
  s.state_ = State::ended;
  s.ended_.cancel();
}

asio::awaitable<void> LiveSession::seal(LiveSession& self, const SessionEnding& ending) {
  // The last reference but the work's: with it the log's file is closed.
  const std::shared_ptr<session::SessionEngine> engine = std::move(self.engine_);
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
