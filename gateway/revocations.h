// SPDX-License-Identifier: Apache-2.0
// People whose access was taken back: their tokens open nothing any more, and what they have open
// ends.
#pragma once

#include <map>

#include "core/net/task_group.h"
#include "gateway/live_sessions.h"
#include "gateway/revocation_store.h"

namespace hoop::gateway {

/// On the gateway's first loop.
class Revocations {
 public:
  /// What is borrowed outlives it.
  struct Parts {
    Database database;  // its own connection
    Store& store;
    WorkerPool& workers;
    GrantService& grants;
    LiveSessions& live;
    SessionRegistry& registry;
    const Clock& clock;
    Log& log;
    asio::any_io_executor executor;
    std::chrono::milliseconds look{1'000};  // at what `gateway user` has changed
  };
  /// Blocks for a moment: reads who it is. Fails with storage.
  static Result<std::unique_ptr<Revocations>> create(Parts parts);

  /// Ends what was revoked while no gateway ran, and watches for more.
  void start();
  asio::awaitable<void> stop();

  /// Whether the token behind identity was issued before its subject's access was taken back. Asked
  /// when a request comes, and again before anything is handed out: in between it may have come.
  bool covers(const access::Identity& identity) const;
  /// Whether a session that began then can have been opened by the token behind identity: what its
  /// subject has opened since with a newer token is not for one that was taken back.
  bool reaches(const access::Identity& identity, SystemTime started_at) const;
  /// Answers how many sessions it has ended, when they have ended. Fails with storage; then nothing
  /// has changed.
  Task<std::size_t> revoke(Revocation revocation);

 private:
  template <class T>
  using StoreWork = std::move_only_function<Result<T>(RevocationStore&)>;
  explicit Revocations(Parts parts);
  asio::awaitable<void> watch();
  void begin_end(const Revocation& revocation, SystemTime until);
  /// until: a session that began later was opened by a token that is newer.
  asio::awaitable<std::size_t> end_all_of(Revocation revocation, SystemTime until);
  asio::awaitable<void> end_one(SessionRecord record, Revocation revocation);
  void learn(const Revocation& one);
  void take(const std::vector<Revocation>& read);
  template <class T>
  Task<T> with_store(StoreWork<T>& work);

  Parts parts_;
  std::optional<RevocationStore> store_;  // the worker's alone
  std::map<std::string, Revocation, std::less<>> known_;
  bool stopping_ = false;
  asio::steady_timer wake_;
  net::TaskGroup tasks_;
  net::TaskGroup ending_;
  WorkerPool worker_{1};  // what a target holds up must not hold up a revocation
};

}  // namespace hoop::gateway
