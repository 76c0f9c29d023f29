// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agents.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/net/ask_loop.h"
#include "gateway/agents/pending_dial.h"

namespace hoop::gateway {
namespace {

// How old the answer of `gateway agent list` may be.
constexpr std::chrono::minutes kSeenEvery{1};

}  // namespace

Agents::Agents(Parts parts)
    : parts_(std::move(parts)), wake_(parts_.executor), tasks_(parts_.executor) {}

Result<std::shared_ptr<Agents>> Agents::create(Parts parts) {
  std::shared_ptr<Agents> out(new Agents(std::move(parts)));
  HOOP_TRY(AgentStore store, AgentStore::open(out->parts_.database));
  HOOP_TRY(out->known_, store.list());
  out->store_ = store;
  return out;
}

template <class T>
Task<T> Agents::with_store_owned(Self self, StoreWork<T> work) {
  Work<T> posted = [self, work = std::move(work)]() mutable { return work(*self->store_); };
  co_return co_await self->worker_.run(posted);
}

void Agents::start() { tasks_.spawn(watch(shared_from_this())); }

asio::awaitable<void> Agents::stop() {
  const Self self = shared_from_this();
  self->stopping_ = true;
  self->wake_.cancel();
  for (const auto& [number, pending] : self->pending_) pending->done.cancel();
  for (const auto& [name, agent] : std::exchange(self->live_, {})) {
    agent->end_streams("the gateway is stopping");
    agent->may_return.cancel();
    if (agent->control) agent->control->finish();
  }
  co_await self->tasks_.join();
}

asio::awaitable<void> Agents::watch(Self self) {
  std::int64_t version = -1;
  SteadyTime seen = self->parts_.clock.steady_now();
  while (!self->stopping_) {
    StoreWork<std::int64_t> look = [](AgentStore& store) { return store.version(); };
    const auto now = co_await self->with_store(look);
    if (now && *now != version) {
      const auto reloaded = co_await self->reload();
      if (reloaded) version = *now;
    }
    if (self->parts_.clock.steady_now() - seen > kSeenEvery) {
      seen = self->parts_.clock.steady_now();
      std::vector<std::string> names;
      for (const auto& [name, agent] : self->live_)
        if (agent->is_online()) names.push_back(name);
      StoreWork<void> note = [names, at = self->parts_.clock.system_now()](AgentStore& store) {
        return store.set_seen(names, at);
      };
      if (!names.empty()) static_cast<void>(co_await self->with_store(note));
    }
    if (self->stopping_) co_return;
    self->wake_.expires_after(self->parts_.times.look);
    co_await self->wake_.async_wait(as_result);
  }
}

Task<void> Agents::reload() {
  const Self self = shared_from_this();
  StoreWork<std::vector<AgentRecord>> read = [](AgentStore& store) { return store.list(); };
  auto known = co_await self->with_store(read);
  if (!known) {
    self->parts_.log.error("agents.not_read", {{"error", known.error().message}});
    co_return std::unexpected(std::move(known).error());
  }
  self->known_ = std::move(*known);
  self->end_removed();
  co_return Result<void>{};
}

void Agents::end_removed() {
  std::vector<std::shared_ptr<LiveAgent>> gone;
  for (const auto& [name, agent] : live_) {
    const AgentRecord* record = find(name);
    const bool same = record != nullptr && record->key &&
                      (*record->key == agent->key || record->key == agent->next_key);
    if (!same) gone.push_back(agent);
    if (same) agent->serves = record->serves;
  }
  for (const auto& agent : gone) {
    parts_.log.info("agent.removed", {{"agent", agent->name}});
    forget(agent, "the agent of this target was removed");
  }
}

const AgentRecord* Agents::find(std::string_view name) const {
  const auto found = std::ranges::find(known_, name, &AgentRecord::name);
  return found == known_.end() ? nullptr : &*found;
}

// ---- Who is let in ----

Task<std::string> Agents::join(AgentJoin join) {
  const Self self = shared_from_this();
  StoreWork<std::string> use = [join = std::move(join), now = self->parts_.clock.system_now()](
                                   AgentStore& store) { return store.join(join, now); };
  HOOP_CO_TRY(std::string name, co_await self->with_store(use));
  HOOP_CO_CHECK(co_await self->reload());
  co_return std::move(name);
}

Task<crypto::Ed25519PublicKey> Agents::authenticate(AgentProof proof) {
  const Self self = shared_from_this();
  if (self->stopping_) co_return fail(ErrorCode::cancelled, "the gateway is stopping");
  const Bytes text = session::agent_proof_text(session::AgentPurpose::control, proof.exporter,
                                               proof.name, ByteSpan());
  const AgentRecord* record = self->find(proof.name);
  if (record == nullptr || !record->key) co_return unknown_agent();
  if (crypto::verify_ed25519(*record->key, text, proof.signature)) co_return *record->key;
  const auto next = record->next_key;
  if (!next || !crypto::verify_ed25519(*next, text, proof.signature)) co_return unknown_agent();
  StoreWork<void> promote = [name = proof.name, key = *next](AgentStore& store) {
    return store.promote_key(name, key);
  };
  HOOP_CO_CHECK(co_await self->with_store(promote));
  // The older control stream goes on until its successor, which comes with this answer, is there.
  if (const auto live = self->live_.find(proof.name); live != self->live_.end())
    live->second->next_key = *next;
  HOOP_CO_CHECK(co_await self->reload());
  self->parts_.log.info("agent.key_changed", {{"agent", proof.name}});
  co_return *next;
}

void Agents::serve(std::string name, crypto::Ed25519PublicKey key, net::StreamPtr stream,
                   std::string peer) {
  const AgentRecord* record = find(name);
  // Removed while the answer went out.
  if (stopping_ || record == nullptr || record->key != key) return;
  auto& agent = live_[name];
  if (!agent) agent = std::make_shared<LiveAgent>(name, record->serves, parts_.executor);
  const bool replaces = agent->control && agent->control->is_open();
  if (replaces) agent->control->finish();
  agent->line->close();
  agent->line = std::make_shared<AgentLine>();
  agent->control = session::AgentControl::over(
      std::move(stream), Bytes(), session::ControlReader::Sender::agent, parts_.times.control);
  agent->key = key;
  agent->next_key.reset();
  agent->serves = record->serves;
  agent->leaving = false;
  agent->may_return.cancel();
  parts_.log.info(
      "agent.connected",
      {{"agent", name}, {"peer", std::move(peer)}, {"replaces", replaces ? "yes" : "no"}});
  tasks_.spawn(serve_control(shared_from_this(), agent, agent->control));
}

// ---- While it is there ----

asio::awaitable<void> Agents::serve_control(Self self, std::shared_ptr<LiveAgent> agent,
                                            std::shared_ptr<session::AgentControl> control) {
  // Counted while this runs, whatever ends it.
  struct Counted {
    explicit Counted(std::shared_ptr<Metrics> metrics_) : metrics(std::move(metrics_)) {
      metrics->agent_connected();
    }
    ~Counted() { metrics->agent_disconnected(); }
    std::shared_ptr<Metrics> metrics;
  } const counted(self->parts_.metrics);
  const auto line = agent->line;
  StoreWork<void> seen = [names = std::vector{agent->name}, at = self->parts_.clock.system_now()](
                             AgentStore& store) { return store.set_seen(names, at); };
  static_cast<void>(co_await self->with_store(seen));
  if (self->on_event_) self->on_event_(Event::connected);
  for (;;) {
    auto message = co_await control->receive();
    Result<void> taken;
    if (message) {
      taken = co_await take(self, *agent, *control, std::move(*message));
    } else {
      taken = std::unexpected(std::move(message).error());
    }
    if (taken) continue;
    control->close();
    line->close();
    self->was_lost(agent, control.get(), taken.error());
    co_return;
  }
}

Task<void> Agents::take(Self self, LiveAgent& agent, session::AgentControl& control,
                        session::ControlMessage message) {
  if (const auto* no = std::get_if<session::Refused>(&message)) {
    const auto found = self->pending_.find(no->number);
    if (found == self->pending_.end() || found->second->agent != agent.name)
      co_return Result<void>{};  // it is too late, or was never asked for
    found->second->refusal = no->reason;
    found->second->done.cancel();
    self->pending_.erase(found);
  } else if (const auto* fresh = std::get_if<session::NewKey>(&message)) {
    const Bytes text = session::agent_proof_text(session::AgentPurpose::key, control.exporter(),
                                                 agent.name, fresh->key);
    if (!crypto::verify_ed25519(agent.key, text, fresh->signature))
      co_return fail(ErrorCode::malformed, "a new key without a proof");
    StoreWork<void> keep = [name = agent.name, key = agent.key, next = fresh->key](
                               AgentStore& store) { return store.register_key(name, key, next); };
    const session::KeyTaken answer{fresh->key};
    HOOP_CO_CHECK(co_await self->with_store(keep));
    HOOP_CO_CHECK(co_await self->reload());
    control.send(answer);
  } else if (std::holds_alternative<session::Leaving>(message)) {
    agent.leaving = true;
    self->parts_.log.info("agent.leaving", {{"agent", agent.name}});
    if (self->on_event_) self->on_event_(Event::leaving);
  }
  co_return Result<void>{};
}

void Agents::was_lost(const std::shared_ptr<LiveAgent>& agent, const session::AgentControl* control,
                      const Error& why) {
  for (const auto& [number, pending] : pending_)
    if (pending->control.get() == control) pending->done.cancel();
  if (agent->control.get() != control) return;  // it has another one by now
  agent->control.reset();
  const auto known = live_.find(agent->name);
  if (stopping_ || known == live_.end() || known->second != agent) return;
  // Our words: what a peer says never enters this log.
  parts_.log.warning("agent.lost", {{"agent", agent->name},
                                    {"code", std::string(to_string(why.code))},
                                    {"streams", std::to_string(agent->streams.size())}});
  agent->may_return.expires_after(parts_.times.may_return);
  agent->may_return.async_wait([weak = weak_from_this(), agent](const std::error_code& stopped) {
    const auto self = weak.lock();
    if (stopped || !self || agent->control) return;
    self->forget(agent, agent_lost_text());
  });
}

void Agents::forget(const std::shared_ptr<LiveAgent>& agent, const std::string& why) {
  agent->may_return.cancel();
  const auto known = live_.find(agent->name);
  if (known != live_.end() && known->second == agent) live_.erase(known);
  agent->end_streams(why);
  agent->line->close();
  if (agent->control) agent->control->finish();
}

// ---- Dialing ----

bool Agents::is_online(const Labels& target) const { return choose(target) != nullptr; }

std::shared_ptr<LiveAgent> Agents::choose(const Labels& target) const {
  std::shared_ptr<LiveAgent> best;
  for (const auto& [name, agent] : live_) {
    if (!agent->is_online() || !serves_target(agent->serves, target)) continue;
    if (!best || agent->streams.size() < best->streams.size()) best = agent;
  }
  return best;
}

Task<net::StreamPtr> Agents::dial(Labels target, std::string host, std::uint16_t port,
                                  Deadline deadline) {
  const auto loop = co_await asio::this_coro::executor;
  const auto wish =
      std::make_shared<const Wish>(Wish{std::move(target), std::move(host), port, deadline, loop});
  co_return co_await dial_for(shared_from_this(), wish);
}

Task<net::StreamPtr> Agents::dial_for(Self self, WishPtr wish) {
  const Deadline deadline = wish->deadline;
  net::Question<AgentDialed> question = [self, wish](net::Answer<AgentDialed> answer) {
    const auto task = [](Self agents, WishPtr what,
                         net::Answer<AgentDialed> tell) -> asio::awaitable<void> {
      auto dialed = co_await call(std::move(agents), std::move(what));
      tell(std::move(dialed));
    };
    self->tasks_.spawn(task(self, wish, std::move(answer)));
  };
  HOOP_CO_TRY(AgentDialed dialed, co_await net::ask_loop(self->parts_.executor, question));
  auto tunnel = session::Tunnel::over(std::move(dialed.stream), Bytes());
  tunnel->set_deadline(deadline);
  session::Opening nothing;
  HOOP_CO_CHECK(co_await tunnel->send_opening(std::move(nothing)));
  tunnel->set_deadline(Deadline::never());
  co_return over_agent(std::move(tunnel), std::move(dialed), self->parts_.metrics);
}

/// On the agents' loop: until the agent has dialed back, and the stream is on the loop of who
/// wishes.
Task<AgentDialed> Agents::call(Self self, WishPtr wish) {
  const auto agent = self->choose(wish->target);
  if (!agent || self->stopping_) co_return std::unexpected(agent_offline());
  if (!session::is_dial_host(wish->host))
    co_return fail(ErrorCode::config, "the target's host cannot be told to an agent");
  const auto pending = std::make_shared<Pending>(*agent, self->parts_.executor);
  const session::Dial asked{pending->number_from(self->parts_.random), wish->port, wish->host};
  const PendingPlace place(self->pending_, asked.number, pending);
  pending->done.expires_at(
      std::min(wish->deadline.when(), std::chrono::steady_clock::now() + self->parts_.times.dial));
  if (!agent->control->send(asked))
    co_return fail(ErrorCode::upstream_unreachable, agent_lost_text(), "try again");
  co_await pending->done.async_wait(as_result);
  if (!pending->stream) {
    Error why = pending->why_no_stream(self->stopping_);
    self->parts_.log.warning("agent.no_stream", {{"agent", agent->name},
                                                 {"host", asked.host},
                                                 {"port", std::to_string(wish->port)},
                                                 {"reason", why.message}});
    co_return std::unexpected(std::move(why));
  }
  HOOP_CO_TRY(auto moved, pending->stream->move_to(wish->loop));
  const auto seat =
      std::make_shared<AgentStreamPlace>(AgentStreamPlace{wish->loop, pending->line, {}, {}});
  co_return AgentDialed(std::move(moved), seat, agent);
}

std::shared_ptr<Agents::Pending> Agents::admit(const AgentProof& proof,
                                               const session::DialNumber& number) {
  const auto found = pending_.find(number);
  if (found == pending_.end() || found->second->agent != proof.name || stopping_) return nullptr;
  const Bytes text =
      session::agent_proof_text(session::AgentPurpose::stream, proof.exporter, proof.name, number);
  if (!crypto::verify_ed25519(found->second->key, text, proof.signature)) return nullptr;
  auto out = found->second;
  pending_.erase(found);
  return out;
}

void Agents::deliver(Pending& pending, net::StreamPtr stream) {
  pending.stream = std::move(stream);
  pending.done.cancel();
}

}  // namespace hoop::gateway
