// SPDX-License-Identifier: Apache-2.0
#include "gateway/session_registry.h"

#include <algorithm>

#include "core/session/control_channel.h"

namespace hoop::gateway {
namespace {

using session::ControlAlive;
using session::ControlEnd;
using session::ControlEnded;

constexpr std::chrono::seconds kMayAcknowledge{1};
constexpr std::chrono::seconds kLongestPause{5};  // between two looks for lost clients
// A client whose end of the session was slow may still ask what came of it.
constexpr std::chrono::minutes kKeptAfterExpiry{10};
// A client that was not there when its session was ended comes back and is told why.
constexpr std::chrono::minutes kKeptUntold{1};
constexpr std::size_t kMaxNews = 64;  // for a client that is not there

http::Response access_ended() {
  return http::problem_response(403, "access_ended", "this session is over");
}

}  // namespace

struct SessionRegistry::Entry {
  explicit Entry(const asio::any_io_executor& executor) : changed(executor, SteadyTime::max()) {}

  std::string session;
  access::DataPath path = access::DataPath::local;
  access::Target target;
  std::string database_role;
  SystemTime expires_at{};
  std::optional<access::Identity> identity;  // none before the client of an older grant is there
  std::string policy_version;                // what the client judges by
  SteadyTime heard{};
  std::shared_ptr<session::ControlChannel> channel;
  std::optional<ControlEnd> end;
  bool ended_by_client = false;  // who is gone for good
  bool acknowledged = false;
  SteadyTime ended_at{};  // where there is an end
  std::vector<session::FromGateway> news;
  asio::steady_timer changed;  // never expires; cancelled when the client says or leaves

  void tell(const session::FromGateway& message) {
    if (channel) channel->post(session::encode(message));
  }
  bool is_untold(SteadyTime now) const {
    return end && !acknowledged && !ended_by_client && now - ended_at < kKeptUntold;
  }
};

SessionRegistry::SessionRegistry(Parts parts)
    : parts_(std::move(parts)), wake_(parts_.executor), tasks_(parts_.executor) {}

SessionRegistry::~SessionRegistry() = default;

SessionRegistry::EntryPtr SessionRegistry::find(const std::string& session) const {
  const auto found = entries_.find(session);
  return found == entries_.end() ? nullptr : found->second;
}

void SessionRegistry::add(const access::Grant& grant) {
  const auto entry = std::make_shared<Entry>(parts_.executor);
  entry->session = grant.session;
  entry->path = grant.path;
  entry->target = grant.target;
  entry->database_role = grant.database_role;
  entry->expires_at = grant.expires_at;
  entry->identity = grant.identity;
  entry->policy_version = grant.policy.version;
  entry->heard = parts_.clock.steady_now();
  entries_.insert_or_assign(grant.session, entry);
}

void SessionRegistry::add_known(const SessionRecord& record) {
  const access::Target* target = parts_.grants.target(record.target);
  if (target == nullptr || record.path != access::DataPath::local) return;
  const auto entry = std::make_shared<Entry>(parts_.executor);
  entry->session = record.session;
  entry->path = record.path;
  entry->target = *target;
  entry->database_role = record.database_role;
  entry->expires_at = record.expires_at;
  entry->heard = parts_.clock.steady_now();
  entries_.emplace(record.session, entry);
}

void SessionRegistry::extend(const std::string& session, SystemTime expires_at) {
  if (const EntryPtr entry = find(session)) entry->expires_at = expires_at;
}

void SessionRegistry::forget(const std::string& session) { entries_.erase(session); }

http::Response SessionRegistry::attach(const SessionRecord& record, access::Identity identity,
                                       std::string policy_version) {
  if (stopping_) return http::problem_response(503, "stopping", "the gateway is stopping");
  const EntryPtr entry = find(record.session);
  if (!entry) return access_ended();
  entry->identity = std::move(identity);
  entry->identity->claimed_agent = record.claimed_agent;
  entry->policy_version = std::move(policy_version);
  http::Response out;
  out.status = 101;
  out.headers.set("Connection", "Upgrade");
  out.headers.set("Upgrade", std::string(session::kControlProtocol));
  out.upgrade = [this, entry](net::StreamPtr stream, std::string early) {
    return serve(entry, std::move(stream), std::move(early));
  };
  return out;
}

asio::awaitable<void> SessionRegistry::serve(EntryPtr entry, net::StreamPtr stream,
                                             std::string early) {
  if (stopping_) co_return;
  if (entry->channel) entry->channel->close();
  const auto channel = std::make_shared<session::ControlChannel>(std::move(stream), early,
                                                                 session::kMaxLineOfClient);
  entry->channel = channel;
  entry->changed.cancel();
  parts_.log.info("control.attached", {{"session", entry->session}});
  entry->heard = parts_.clock.steady_now();
  if (entry->end) entry->tell(*entry->end);
  for (const session::FromGateway& news : std::exchange(entry->news, {})) entry->tell(news);
  judge(*entry);
  for (;;) {
    auto line = co_await channel->receive(Deadline::after(parts_.clock, parts_.heartbeat));
    const auto message = line ? session::decode_from_client(*line)
                              : Result<session::FromClient>(std::unexpected(line.error()));
    if (!message) break;
    entry->heard = parts_.clock.steady_now();
    if (const auto* alive = std::get_if<ControlAlive>(&*message)) {
      if (entry->end) continue;  // which was told before: it does not stand
      channel->post(session::encode(session::FromGateway(*alive)));
    } else {
      entry->acknowledged = true;
      entry->changed.cancel();
    }
  }
  channel->close();
  if (entry->channel != channel) co_return;  // another one has taken its place
  entry->channel.reset();
  entry->changed.cancel();
}

void SessionRegistry::tell_end(const std::string& session, ControlEnd end) {
  const EntryPtr entry = find(session);
  if (!entry || entry->end) return;
  entry->end = std::move(end);
  entry->ended_at = parts_.clock.steady_now();
  entry->tell(*entry->end);
}

asio::awaitable<void> SessionRegistry::end(std::string session, ControlEnd end, Absent absent) {
  const EntryPtr entry = find(session);
  if (!entry) co_return;
  tell_end(session, std::move(end));
  asio::steady_timer patience(parts_.executor, kMayAcknowledge);
  bool is_over = false;
  patience.async_wait([entry, &is_over](const std::error_code& failure) {
    if (failure) return;
    is_over = true;
    entry->changed.cancel();
  });
  bool may_come =
      absent == Absent::may_come && parts_.clock.steady_now() - entry->heard < kMayAcknowledge;
  for (; (entry->channel || may_come) && !entry->acknowledged && !is_over;
       may_come &= !entry->channel)
    co_await entry->changed.async_wait(as_result);
}

/// Told at once, so that no answer to the client stands before it.
void SessionRegistry::end_soon(const Entry& entry, ControlEnd why) {
  tell_end(entry.session, why);
  tasks_.spawn(end_and_revoke(entry.session, std::move(why)));
}

void SessionRegistry::client_ended(const std::string& session) {
  if (const EntryPtr entry = find(session)) entry->ended_by_client = true;
}

asio::awaitable<void> SessionRegistry::end_and_revoke(std::string session, ControlEnd why) {
  co_await end(session, std::move(why), Absent::may_come);
  // A failure has been logged, and the sweep goes on.
  static_cast<void>(co_await parts_.grants.revoke(session));
}

void SessionRegistry::tell_news(const std::string& session, session::FromGateway news) {
  const EntryPtr entry = find(session);
  if (!entry) return;
  if (entry->channel) {
    entry->tell(news);
  } else if (entry->news.size() < kMaxNews) {
    entry->news.push_back(std::move(news));
  }
}

std::vector<session::FromGateway> SessionRegistry::untold_news(const std::string& session) const {
  const EntryPtr entry = find(session);
  return entry ? entry->news : std::vector<session::FromGateway>();
}

void SessionRegistry::apply_policy() {
  for (const auto& [session, entry] : entries_) judge(*entry);
}

void SessionRegistry::judge(Entry& entry) {
  // On the gateway path the session itself is told.
  if (entry.path != access::DataPath::local || entry.end || !entry.identity) return;
  const auto policy = parts_.grants.policy();
  if (entry.policy_version == policy->document().version) return;
  const auto now_allowed = policy->authorize(*entry.identity, entry.target, std::chrono::seconds(0),
                                             parts_.clock.system_now());
  if (!now_allowed) {
    return end_soon(entry, {"revoked", "access was revoked", {}, {}});
  }
  if (now_allowed->database_role() != entry.database_role || now_allowed->path() != entry.path) {
    return end_soon(entry, {"policy_changed", "policy has changed: connect again", {}, {}});
  }
  if (!entry.channel) return;  // it is told when it is there
  entry.policy_version = policy->document().version;
  entry.tell(session::ControlPolicy{policy->part_for(*entry.identity, entry.target)});
}

std::size_t SessionRegistry::attached() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& entry) { return entry.second->channel != nullptr; }));
}

void SessionRegistry::start() { tasks_.spawn(watch()); }

asio::awaitable<void> SessionRegistry::watch() {
  const auto pause = std::min<std::chrono::milliseconds>(
      kLongestPause, std::chrono::milliseconds(parts_.heartbeat) / 4);
  while (!stopping_) {
    wake_.expires_after(pause);
    co_await wake_.async_wait(as_result);
    if (!stopping_) look_for_lost();
  }
}

void SessionRegistry::look_for_lost() {
  const SteadyTime now = parts_.clock.steady_now();
  const SystemTime date = parts_.clock.system_now();
  std::vector<std::string> lost;
  std::erase_if(entries_, [&](const auto& one) {
    const Entry& entry = *one.second;
    const bool over = entry.end || entry.ended_by_client || entry.expires_at <= date;
    if (!over && !entry.channel && now - entry.heard >= parts_.heartbeat) lost.push_back(one.first);
    return over && !entry.channel && !entry.is_untold(now) &&
           (entry.path == access::DataPath::local || entry.expires_at + kKeptAfterExpiry <= date);
  });
  for (const std::string& session : lost) {
    const EntryPtr entry = find(session);
    parts_.log.warning("session.client_lost",
                       {{"session", session}, {"target", entry->target.name}});
    if (entry->path == access::DataPath::local) {
      end_soon(*entry, {"client_lost", "the client was not heard of", {}, {}});
    } else if (on_lost_) {
      on_lost_(session);
    }
  }
}

asio::awaitable<void> SessionRegistry::stop() {
  stopping_ = true;
  wake_.cancel();
  std::vector<std::shared_ptr<session::ControlChannel>> channels;
  for (const auto& [session, entry] : entries_) {
    if (entry->channel) channels.push_back(entry->channel);
  }
  // What was told last may be the reason of the end; who does not read it is not waited for.
  asio::steady_timer patience(parts_.executor, kMayAcknowledge);
  patience.async_wait([channels](const std::error_code& failure) {
    if (failure) return;
    for (const auto& channel : channels) channel->close();
  });
  for (const auto& channel : channels) {
    co_await channel->flush();
    channel->close();
  }
  co_await tasks_.join();
}

}  // namespace hoop::gateway
