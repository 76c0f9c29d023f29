// SPDX-License-Identifier: Apache-2.0
#include "gateway/live_sessions.h"

#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kTicketBytes = 32;
// What a statement may still take when the gateway stops.
constexpr std::chrono::seconds kStopPatience{3};

SessionEnding stopped(std::chrono::milliseconds patience) {
  return {"gateway_stopped", -1, "the gateway is stopping", patience};
}

std::unexpected<Error> is_stopping() {
  return fail(ErrorCode::cancelled, "the gateway is stopping", "try again in a moment");
}

}  // namespace

/// Counts a session that is being opened, also when the coroutine that opens it is cancelled.
class LiveSessions::Opening {
 public:
  explicit Opening(std::shared_ptr<Openings> openings) : openings_(std::move(openings)) {
    ++openings_->count;
  }
  ~Opening() {
    --openings_->count;
    openings_->changed.cancel();
  }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

 private:
  std::shared_ptr<Openings> openings_;
};

Task<access::Grant> LiveSessions::open(NewSession made) {
  const Opening opening(openings_);
  forget_old();
  const std::string id = made.issued.grant.session;
  const SecretBytes ticket(parts_.random.bytes(kTicketBytes));
  access::Grant grant =
      access::part_for_client(made.issued.grant, SecretText(to_base64url(ticket.reveal())));
  const LiveSession::Keys keys{crypto::sha256(ticket.reveal()), made.client_key};
  auto seat = parts_.loops.take_seat();
  auto engine = co_await start_engine(std::move(made), seat->executor());
  if (!engine) {
    // A failure has been logged, and the sweep goes on.
    static_cast<void>(co_await parts_.services.grants.revoke(id));
    co_return std::unexpected(std::move(engine).error());
  }
  const auto session =
      std::make_shared<LiveSession>(parts_.services, keys, std::move(seat), std::move(*engine));
  sessions_.emplace(id, session);
  session->start();
  // It may have changed while the session was being made.
  session->apply(*parts_.services.grants.policy());
  if (stopping_) {
    session->begin_end(stopped(std::chrono::milliseconds(0)));
    static_cast<void>(co_await session->result());
    co_return is_stopping();
  }
  co_return std::move(grant);
}

std::unique_ptr<session::Approvals> LiveSessions::approvals_for(const NewSession& made) const {
  if (parts_.approvals == nullptr) return nullptr;
  const access::Grant& grant = made.issued.grant;
  Asker asker{grant.identity.subject,
              grant.identity.kind,
              grant.identity.claimed_agent,
              grant.session,
              grant.target.name,
              grant.role,
              made.reason};
  return std::make_unique<SessionApprovals>(*parts_.approvals, parts_.services.executor,
                                            std::move(asker));
}

Task<std::unique_ptr<session::SessionEngine>> LiveSessions::start_engine(
    NewSession made, const asio::any_io_executor& executor) {
  if (stopping_) co_return is_stopping();
  auto dialer = parts_.make_dialer(made.issued.grant.target.name, executor);
  // On the pool: it makes files and waits for the disk.
  Work<std::unique_ptr<session::SessionEngine>> start =
      [this, approvals = approvals_for(made), made = std::move(made),
       dialer = std::move(dialer)]() mutable -> Result<std::unique_ptr<session::SessionEngine>> {
    const std::string id = made.issued.grant.session;
    if (const auto disk = parts_.spool.space(); disk && disk->room != record::DiskRoom::enough)
      parts_.services.log.warning("spool.disk_low",
                                  {{"free_mib", std::to_string(disk->free_bytes >> 20)}});
    HOOP_TRY(auto sink, parts_.spool.create(id, parts_.base_url, made.issued.grant.target.name));
    session::SessionParts parts{std::move(made.issued.grant),
                                std::move(sink),
                                std::move(*made.issued.seal_key),
                                std::move(dialer),
                                parts_.make_handler,
                                std::move(made.program),
                                std::move(made.reason),
                                parts_.secrets,
                                policies_,
                                std::move(approvals),
                                made.approval_wait};
    auto engine = session::SessionEngine::create(std::move(parts), parts_.services.clock,
                                                 parts_.random, parts_.services.log);
    // It has recorded nothing that anybody did.
    if (!engine) static_cast<void>(parts_.spool.remove(id));
    return engine;
  };
  co_return co_await parts_.services.workers.run(start);
}

std::shared_ptr<LiveSession> LiveSessions::find(const std::string& session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second;
}

std::expected<LiveSession::PlacePtr, StreamRefusal> LiveSessions::admit(const StreamProof& proof) {
  if (stopping_) return std::unexpected(StreamRefusal::stopping);
  const auto session = find(proof.session);
  if (!session) return std::unexpected(StreamRefusal::wrong);
  return session->admit(proof);
}

asio::awaitable<std::optional<SessionResult>> LiveSessions::end(std::string session,
                                                                SessionEnding ending) {
  const auto found = find(session);
  if (!found) co_return std::nullopt;
  found->begin_end(std::move(ending));
  co_return co_await found->result();
}

void LiveSessions::begin_end(const std::string& session, SessionEnding ending) {
  if (const auto found = find(session)) found->begin_end(std::move(ending));
}

void LiveSessions::extend(const std::string& session, SystemTime expires_at) {
  if (const auto found = find(session)) found->extend(expires_at);
}

void LiveSessions::apply_policy() {
  const auto policy = parts_.services.grants.policy();
  for (const auto& [id, session] : sessions_) session->apply(*policy);
}

asio::awaitable<void> LiveSessions::stop() {
  stopping_ = true;
  while (openings_->count > 0) co_await openings_->changed.async_wait(as_result);
  std::vector<std::shared_ptr<LiveSession>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  for (const auto& session : all) session->begin_end(stopped(kStopPatience));
  for (const auto& session : all) static_cast<void>(co_await session->result());
}

void LiveSessions::forget_old() {
  const SystemTime now = parts_.services.clock.system_now();
  std::erase_if(sessions_, [&](const auto& entry) {
    return entry.second->has_ended() && entry.second->forgotten_at() <= now;
  });
}

}  // namespace hoop::gateway
