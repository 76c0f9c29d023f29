// SPDX-License-Identifier: Apache-2.0
// The agents that are connected: who they are, which targets they serve, and dialing through them.
#pragma once

#include <functional>

#include "core/base/log.h"
#include "core/net/task_group.h"
#include "gateway/agents/agent_stream.h"
#include "gateway/worker_pool.h"

namespace hoop::gateway {

/// What an agent shows to open a control stream or to dial back.
struct AgentProof {
  std::string name;
  Bytes exporter;  // of the TLS connection that it came on
  Bytes signature;
};

struct AgentTimes {
  session::ControlTimes control;
  std::chrono::milliseconds dial{10'000};        // until the agent has dialed back
  std::chrono::milliseconds may_return{10'000};  // without a control stream before it is lost
  std::chrono::milliseconds look{1'000};         // at what `gateway agent` has changed
};

/// On one io_context, the gateway's first. Coroutines of it hold it; what it borrows is used until
/// stop() has returned.
class Agents : public std::enable_shared_from_this<Agents> {
 public:
  struct Parts {
    Database database;  // its own connection
    const Clock& clock;
    Random& random;
    Log& log;
    std::shared_ptr<Metrics> metrics;
    asio::any_io_executor executor;
    AgentTimes times;
  };
  /// Blocks for a moment: reads who is known. Fails with storage.
  static Result<std::shared_ptr<Agents>> create(Parts parts);

  /// Begins to watch for agents that are added or removed.
  void start();
  /// Ends every stream and control stream; nothing is left on the io_context when it returns.
  asio::awaitable<void> stop();

  /// Whether one is connected that serves a target with these labels.
  bool is_online(const Labels& target) const;
  enum class Event { connected, leaving };
  /// Called on the loop.
  void on_event(std::function<void(Event)> listener) { on_event_ = std::move(listener); }
  /// From any loop, for a stream on it. Through the connected agent with the fewest streams. Fails
  /// with upstream_unreachable (offline, lost, or it cannot reach the target), upstream_refused
  /// (its allow-list), timeout.
  Task<net::StreamPtr> dial(Labels target, std::string host, std::uint16_t port, Deadline deadline);

  // What the HTTP routes ask.

  /// The agent's name. Fails with unauthenticated, storage.
  Task<std::string> join(AgentJoin join);
  /// The key that made the proof; a registered key has become the agent's. Fails with
  /// unauthenticated, storage, cancelled (stopping).
  Task<crypto::Ed25519PublicKey> authenticate(AgentProof proof);
  /// Serves it as a task of its own; an older control stream of the agent ends.
  void serve(std::string name, crypto::Ed25519PublicKey key, net::StreamPtr stream,
             std::string peer);

  struct Pending;
  /// Uses the number up if it answers the dial that waits for it.
  std::shared_ptr<Pending> admit(const AgentProof& proof, const session::DialNumber& number);
  static void deliver(Pending& pending, net::StreamPtr stream);

  const Clock& clock() const { return parts_.clock; }
  Log& log() { return parts_.log; }

 private:
  template <class T>
  using StoreWork = std::move_only_function<Result<T>(AgentStore&)>;
  explicit Agents(Parts parts);
  using Self = std::shared_ptr<Agents>;
  static asio::awaitable<void> watch(Self self);
  static asio::awaitable<void> serve_control(Self self, std::shared_ptr<LiveAgent> agent,
                                             std::shared_ptr<session::AgentControl> control);
  static Task<void> take(Self self, LiveAgent& agent, session::AgentControl& control,
                         session::ControlMessage message);
  /// What is dialed, for whom.
  struct Wish {
    Labels target;
    std::string host;
    std::uint16_t port = 0;
    Deadline deadline = Deadline::never();
    asio::any_io_executor loop;
  };
  using WishPtr = std::shared_ptr<const Wish>;
  static Task<net::StreamPtr> dial_for(Self self, WishPtr wish);
  static Task<AgentDialed> call(Self self, WishPtr wish);
  /// Runs work with the store on the worker; see WorkerPool::run for why it is named by the caller.
  template <class T>
  Task<T> with_store(StoreWork<T>& work) {
    return with_store_owned<T>(shared_from_this(), std::move(work));
  }
  template <class T>
  static Task<T> with_store_owned(Self self, StoreWork<T> work);
  Task<void> reload();
  void end_removed();
  void was_lost(const std::shared_ptr<LiveAgent>& agent, const session::AgentControl* control,
                const Error& why);
  void forget(const std::shared_ptr<LiveAgent>& agent, const std::string& why);
  std::shared_ptr<LiveAgent> choose(const Labels& target) const;
  const AgentRecord* find(std::string_view name) const;

  Parts parts_;
  std::optional<AgentStore> store_;  // the worker's alone
  std::vector<AgentRecord> known_;
  std::map<std::string, std::shared_ptr<LiveAgent>> live_;
  std::map<session::DialNumber, std::shared_ptr<Pending>> pending_;
  std::function<void(Event)> on_event_;
  bool stopping_ = false;
  asio::steady_timer wake_;
  net::TaskGroup tasks_;
  WorkerPool worker_{1};  // what a database elsewhere holds up must not hold up a removal
};

}  // namespace hoop::gateway
