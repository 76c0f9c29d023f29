// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::agent {
namespace {

/// Between half of span and span: many agents that lost one gateway do not come back as one.
std::chrono::milliseconds jittered(std::chrono::milliseconds span, Random& random) {
  const Bytes bytes = random.bytes(2);
  const auto part = static_cast<std::int64_t>(bytes[0]) << 8 | bytes[1];
  return span / 2 + span * part / (2 * 65'536);
}

}  // namespace

Agent::Agent(Parts parts)
    : parts_(std::move(parts)),
      pause_(parts_.times.first_pause),
      wake_(parts_.executor),
      tasks_(parts_.executor) {}

Result<http::Url> Agent::url(std::string_view rest) const {
  return http::parse_url(
      fmt::format("{}/v1/agents/{}{}", parts_.identity.gateway, parts_.identity.name, rest));
}

asio::awaitable<void> Agent::run() {
  const Self self = shared_from_this();
  while (self->state_ == State::running) {
    auto link = co_await connect(self);
    if (!link) {
      self->parts_.log.warning("gateway.not_connected", {{"gateway", self->parts_.identity.gateway},
                                                         {"error", link.error().message},
                                                         {"hint", link.error().hint}});
      co_await self->pause_before_next();
      continue;
    }
    self->link_ = *link;
    const SteadyTime since = self->parts_.clock.steady_now();
    co_await stay(self, *link);
    if (self->parts_.clock.steady_now() - since >= self->parts_.times.proven)
      self->pause_ = self->parts_.times.first_pause;
    if (self->state_ == State::running) co_await self->pause_before_next();
  }
  co_await self->drain(self->link_);
  co_await self->tasks_.join();
}

asio::awaitable<void> Agent::pause_before_next() {
  if (state_ != State::running) co_return;
  wake_.expires_after(jittered(pause_, parts_.random));
  pause_ = std::min(pause_ * 2, parts_.times.longest_pause);
  co_await wake_.async_wait(as_result);
}

void Agent::stop() {
  state_ = state_ == State::running ? State::draining : State::ending;
  wake_.cancel();
}

void Agent::change_key() {
  change_key_ = true;
  wake_.cancel();
}

// ---- The control stream ----

/// With the key, or with the next one where an answer was lost after it had been used.
Task<Agent::LinkPtr> Agent::connect(Self self) {
  auto link = co_await open_link(self, self->parts_.identity.key);
  const KeyPtr next = self->parts_.identity.next_key;
  if (link || link.error().code != ErrorCode::unauthenticated || !next) co_return link;
  HOOP_CO_TRY(auto second, co_await open_link(self, next));
  HOOP_CO_CHECK(self->adopt(next));
  co_return second;
}

Task<Agent::LinkPtr> Agent::open_link(Self self, KeyPtr key) {
  HOOP_CO_TRY(http::Url url, self->url("/control"));
  http::Client::UpgradeHeaders headers =
      [key, name = self->parts_.identity.name](const net::Stream& stream) -> Result<http::Headers> {
    const Bytes exporter = stream.exporter(session::kAgentExporterLabel);
    if (exporter.empty()) return fail(ErrorCode::unsupported, "the gateway does not speak TLS 1.3");
    const Bytes text =
        session::agent_proof_text(session::AgentPurpose::control, exporter, name, ByteSpan());
    return http::Headers{{"Hoopctl-Proof", to_base64url(key->sign(text))}};
  };
  std::string protocol(session::kAgentProtocol);
  const Deadline deadline = Deadline::after(self->parts_.clock, self->parts_.times.connect);
  HOOP_CO_TRY(auto answer, co_await self->parts_.client.upgrade(url, std::move(protocol),
                                                                std::move(headers), deadline));
  if (const auto* response = std::get_if<http::Response>(&answer)) {
    if (response->status == 401)
      co_return fail(ErrorCode::unauthenticated, "the gateway does not know this agent or its key",
                     "was it removed? 'hoopctl gateway agent list' shows who is known");
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("the gateway answered {} {}", response->status,
                               http::reason_phrase(response->status)));
  }
  auto& upgraded = std::get<http::Client::Upgraded>(answer);
  auto link = std::make_shared<Link>();
  link->control = session::AgentControl::over(std::move(upgraded.stream), std::move(upgraded.early),
                                              session::ControlReader::Sender::gateway,
                                              self->parts_.times.control);
  link->key = std::move(key);
  self->tasks_.spawn(read_link(self, link));
  self->parts_.log.info("gateway.connected", {{"gateway", self->parts_.identity.gateway},
                                              {"agent", self->parts_.identity.name}});
  co_return link;
}

asio::awaitable<void> Agent::read_link(Self self, LinkPtr link) {
  for (;;) {
    auto message = co_await link->control->receive();
    if (!message) {
      link->over = true;
      if (self->link_ == link && self->state_ == State::running)
        self->parts_.log.warning("gateway.lost",
                                 {{"code", std::string(to_string(message.error().code))},
                                  {"streams", std::to_string(self->streams_)}});
      self->wake_.cancel();
      co_return;
    }
    if (auto* dial = std::get_if<session::Dial>(&*message))
      self->tasks_.spawn(serve_dial(self, link, std::move(*dial)));
    const auto* taken = std::get_if<session::KeyTaken>(&*message);
    const KeyPtr next = self->parts_.identity.next_key;
    if (taken != nullptr && next && taken->key == next->public_key()) {
      self->key_taken_ = true;
      self->wake_.cancel();
    }
  }
}

/// Until the control stream is lost, or the agent is to stop; keeps the key fresh meanwhile.
asio::awaitable<void> Agent::stay(Self self, LinkPtr link) {
  self->key_taken_ = false;
  // Made in an earlier run, and not used so far: offered anew.
  if (self->parts_.identity.next_key) self->offer_new_key(*link);
  while (!link->over && self->state_ == State::running) {
    if (self->key_taken_) {
      self->key_taken_ = false;
      auto fresh = co_await change_link(self);
      if (!fresh) self->parts_.log.warning("key.not_changed", {{"error", fresh.error().message}});
      if (fresh) link = *fresh;
      continue;
    }
    if (self->wants_new_key()) {
      self->change_key_ = false;
      self->offer_new_key(*link);
    }
    self->wake_.expires_after(std::chrono::minutes(1));
    co_await self->wake_.async_wait(as_result);
  }
}

bool Agent::wants_new_key() const {
  if (parts_.identity.next_key) return false;
  return change_key_ ||
         parts_.clock.system_now() - parts_.identity.key_since >= parts_.times.new_key;
}

/// On disk first: from the moment that the gateway has it, it may be the only one that counts.
void Agent::offer_new_key(Link& link) {
  AgentIdentity& own = parts_.identity;
  if (!own.next_key) {
    AgentIdentity with = own;
    with.next_key = std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
    if (auto saved = parts_.file.save(with); !saved) {
      parts_.log.error("key.not_saved", {{"error", saved.error().message}});
      return;
    }
    own = with;
  }
  session::NewKey offer{own.next_key->public_key(), {}};
  offer.signature = link.key->sign(session::agent_proof_text(
      session::AgentPurpose::key, link.control->exporter(), own.name, offer.key));
  link.control->send(offer);
}

/// A second control stream, opened with the new key; the gateway ends the first one.
Task<Agent::LinkPtr> Agent::change_link(Self self) {
  const KeyPtr next = self->parts_.identity.next_key;
  HOOP_CO_TRY(auto fresh, co_await open_link(self, next));
  self->link_ = fresh;
  HOOP_CO_CHECK(self->adopt(next));
  co_return fresh;
}

Result<void> Agent::adopt(KeyPtr key) {
  AgentIdentity& own = parts_.identity;
  own.key = std::move(key);
  own.next_key.reset();
  own.key_since = parts_.clock.system_now();
  parts_.log.info("key.changed", {{"agent", own.name}});
  return parts_.file.save(own);
}

// ---- The end ----

asio::awaitable<void> Agent::drain(LinkPtr link) {
  const Self self = shared_from_this();
  self->parts_.log.info("agent.stopping", {{"streams", std::to_string(self->streams_)}});
  if (link && !link->over) link->control->send(session::Leaving{});
  const SteadyTime until = self->parts_.clock.steady_now() + self->parts_.times.drain;
  while (self->streams_ > 0 && self->state_ == State::draining &&
         self->parts_.clock.steady_now() < until) {
    self->wake_.expires_at(until);
    co_await self->wake_.async_wait(as_result);
  }
  self->state_ = State::ending;
  // Each keeps its tunnel: the relay may end first.
  const auto say_good_bye = [](std::shared_ptr<session::Tunnel> tunnel) -> asio::awaitable<void> {
    static_cast<void>(co_await tunnel->reset(std::string(session::kAgentStopping)));
  };
  for (const auto& tunnel : self->tunnels_) self->tasks_.spawn(say_good_bye(tunnel));
  if (link && !link->over) link->control->finish();
}

}  // namespace hoop::agent
