// SPDX-License-Identifier: Apache-2.0
#include "gateway/revocations.h"

#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

// No grant lasts longer: what was revoked before has no session any more.
constexpr std::chrono::hours kLongestSession{24};
// What a gateway that ran then has let in since.
constexpr std::chrono::seconds kSeenWithin{2};
constexpr std::size_t kMaxWords = 200;

std::string reason_of(const Revocation& revocation) {
  std::string out = "access was revoked";
  if (!revocation.words.empty())
    out += ": " + neutralise(revocation.words, kMaxWords, Lines::escape);
  return out;
}

}  // namespace

Revocations::Revocations(Parts parts)
    : parts_(std::move(parts)),
      wake_(parts_.executor),
      tasks_(parts_.executor),
      ending_(parts_.executor) {}

Result<std::unique_ptr<Revocations>> Revocations::create(Parts parts) {
  std::unique_ptr<Revocations> out(new Revocations(std::move(parts)));
  HOOP_TRY(RevocationStore store, RevocationStore::open(out->parts_.database));
  HOOP_TRY(const auto read, store.list());
  for (const Revocation& one : read) out->known_.emplace(one.subject, one);
  out->store_ = store;
  return out;
}

template <class T>
Task<T> Revocations::with_store(StoreWork<T>& work) {
  Work<T> posted = [this, work = std::move(work)]() mutable { return work(*store_); };
  return worker_.run(posted);
}

void Revocations::start() {
  const SystemTime now = parts_.clock.system_now();
  for (const auto& [subject, one] : known_)
    if (one.at + kLongestSession > now) begin_end(one, one.at + kSeenWithin);
  tasks_.spawn(watch());
}

void Revocations::begin_end(const Revocation& revocation, SystemTime until) {
  ending_.spawn([](Revocations& self, Revocation what, SystemTime last) -> asio::awaitable<void> {
    static_cast<void>(co_await self.end_all_of(std::move(what), last));
  }(*this, revocation, until));
}

asio::awaitable<void> Revocations::stop() {
  stopping_ = true;
  wake_.cancel();
  co_await tasks_.join();
  co_await ending_.join();
}

bool Revocations::covers(const access::Identity& identity) const {
  const auto found = known_.find(identity.subject);
  // Tokens tell whole seconds: one of the same second may be older, and is refused.
  return found != known_.end() && identity.issued_at <= found->second.at;
}

bool Revocations::reaches(const access::Identity& identity, SystemTime started_at) const {
  if (!covers(identity)) return true;
  return started_at <= known_.find(identity.subject)->second.at + kSeenWithin;
}

asio::awaitable<void> Revocations::watch() {
  std::int64_t version = -1;
  while (!stopping_) {
    StoreWork<std::int64_t> look = [](RevocationStore& store) { return store.version(); };
    const auto now = co_await with_store(look);
    if (!now) parts_.log.error("revocations.not_read", {{"error", now.error().message}});
    if (now && *now != version) {
      StoreWork<std::vector<Revocation>> read = [](RevocationStore& store) { return store.list(); };
      const auto list = co_await with_store(read);
      if (list) {
        version = *now;
        take(*list);
      } else {
        parts_.log.error("revocations.not_read", {{"error", list.error().message}});
      }
    }
    if (stopping_) co_return;
    wake_.expires_after(parts_.look);
    co_await wake_.async_wait(as_result);
  }
}

void Revocations::learn(const Revocation& one) {
  known_.insert_or_assign(one.subject, one);
  parts_.log.warning("identity.revoked", {{"subject", one.subject}, {"by", one.by}});
}

void Revocations::take(const std::vector<Revocation>& read) {
  for (const Revocation& one : read) {
    const auto known = known_.find(one.subject);
    if (known != known_.end() && known->second.at >= one.at) continue;
    learn(one);
    begin_end(one, parts_.clock.system_now());
  }
}

Task<std::size_t> Revocations::revoke(Revocation revocation) {
  StoreWork<void> keep = [revocation](RevocationStore& store) { return store.add(revocation); };
  HOOP_CO_CHECK(co_await with_store(keep));
  learn(revocation);
  co_return co_await end_all_of(revocation, parts_.clock.system_now());
}

asio::awaitable<std::size_t> Revocations::end_all_of(Revocation revocation, SystemTime until) {
  Work<std::vector<SessionRecord>> find = [&store = parts_.store] { return store.unrevoked(); };
  const auto records = co_await parts_.workers.run(find);
  if (!records) {
    // The tokens are refused all the same, and what they opened ends with its grant.
    parts_.log.error("identity.sessions_not_read", {{"error", records.error().message}});
    co_return 0;
  }
  std::size_t count = 0;
  net::TaskGroup one_by_one(parts_.executor);
  for (const SessionRecord& record : *records) {
    // What is being made is seen to by who makes it.
    if (record.subject != revocation.subject || record.started_at > until ||
        record.state != CredentialState::active)
      continue;
    ++count;
    one_by_one.spawn(end_one(record, revocation));
  }
  co_await one_by_one.join();
  if (count > 0)
    parts_.log.info("identity.sessions_ended",
                    {{"subject", revocation.subject}, {"count", std::to_string(count)}});
  co_return count;
}

asio::awaitable<void> Revocations::end_one(SessionRecord record, Revocation revocation) {
  if (record.path == access::DataPath::gateway) {
    SessionEnding ending{"revoked", -1, reason_of(revocation), {}, revocation.by, revocation.words};
    static_cast<void>(co_await parts_.live.end(record.session, std::move(ending)));
  } else {
    session::ControlEnd end{"revoked", reason_of(revocation), revocation.by, revocation.words};
    co_await parts_.registry.end(record.session, std::move(end), SessionRegistry::Absent::may_come);
  }
  // A failure has been logged, and the sweep goes on.
  static_cast<void>(co_await parts_.grants.revoke(record.session));
}

}  // namespace hoop::gateway
