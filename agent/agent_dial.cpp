// SPDX-License-Identifier: Apache-2.0
// One dial: the allow-list, the target, the way back, and the bytes.
#include <fmt/format.h>

#include "agent/agent.h"
#include "core/base/encoding.h"
#include "core/net/relay.h"

namespace hoop::agent {
namespace {

// As many connections as a database server may have, times a few servers.
constexpr std::size_t kMaxStreams = 2048;

session::DialRefusal reason_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::denied: return session::DialRefusal::not_allowed;
    case ErrorCode::timeout: return session::DialRefusal::timeout;
    default: return session::DialRefusal::unreachable;
  }
}

}  // namespace

/// A stream's place among those that may be open, given back when it goes.
class Agent::Place {
 public:
  explicit Place(Self agent) : agent_(std::move(agent)) { ++agent_->streams_; }
  ~Place() {
    agent_->tunnels_.erase(tunnel_);
    --agent_->streams_;
    if (agent_->state_ != State::running) agent_->wake_.cancel();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  void holds(std::shared_ptr<session::Tunnel> tunnel) {
    tunnel_ = std::move(tunnel);
    agent_->tunnels_.insert(tunnel_);
  }

 private:
  Self agent_;
  std::shared_ptr<session::Tunnel> tunnel_;
};

void Agent::refuse(Link& link, const session::Dial& dial, session::DialRefusal reason,
                   std::string_view why) {
  parts_.log.warning(
      "dial.refused",
      {{"host", dial.host}, {"port", std::to_string(dial.port)}, {"why", std::string(why)}});
  link.control->send(session::Refused{dial.number, reason});
}

asio::awaitable<void> Agent::serve_dial(Self self, LinkPtr link, session::Dial dial) {
  if (self->streams_ >= kMaxStreams || self->state_ != State::running)
    co_return self->refuse(*link, dial, session::DialRefusal::busy,
                           "too many streams, or stopping");
  Place place(self);
  const Deadline deadline = Deadline::after(self->parts_.clock, self->parts_.times.dial);
  auto target = co_await reach(self, dial, deadline);
  if (!target)
    co_return self->refuse(*link, dial, reason_of(target.error()), target.error().message);
  auto back = co_await dial_back(self, link->key, dial.number, deadline);
  if (!back)
    co_return self->refuse(*link, dial, session::DialRefusal::failed, back.error().message);
  const std::shared_ptr<session::Tunnel> tunnel = std::move(*back);
  if (self->state_ == State::ending) co_return tunnel->close();
  place.holds(tunnel);
  net::SecondBroke last_words = [tunnel](Error) -> asio::awaitable<void> {
    static_cast<void>(co_await tunnel->reset(std::string(session::kTargetBroke)));
  };
  const std::shared_ptr<net::Stream> near = std::move(*target);
  const auto carried = co_await net::relay(tunnel, near, std::move(last_words));
  if (!carried)
    self->parts_.log.debug("stream.broke",
                           {{"code", std::string(to_string(carried.error().code))}});
}

/// Connects to an address that was checked, never to a name: what a name server says later leads
/// nowhere else.
Task<net::StreamPtr> Agent::reach(Self self, session::Dial dial, Deadline deadline) {
  const auto denied = [] { return fail(ErrorCode::denied, "the allow-list does not have it"); };
  if (!self->parts_.allow.may_look_up(dial.host, dial.port)) co_return denied();
  HOOP_CO_TRY(const auto addresses,
              co_await net::resolve(self->parts_.executor, dial.host, deadline));
  std::vector<asio::ip::address> allowed;
  for (const auto& address : addresses)
    if (self->parts_.allow.allows(dial.host, address, dial.port)) allowed.push_back(address);
  if (allowed.empty()) co_return denied();
  Error last;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    // An address that swallows packets must leave time for the ones after it.
    const SteadyTime now = self->parts_.clock.steady_now();
    const auto share = (deadline.when() - now) / static_cast<std::ptrdiff_t>(allowed.size() - i);
    auto stream = co_await net::connect_tcp(self->parts_.executor, allowed[i].to_string(),
                                            dial.port, Deadline::at(now + share));
    if (stream) co_return stream;
    last = std::move(stream).error();
  }
  co_return std::unexpected(std::move(last));
}

Task<std::shared_ptr<session::Tunnel>> Agent::dial_back(Self self, KeyPtr key,
                                                        session::DialNumber number,
                                                        Deadline deadline) {
  HOOP_CO_TRY(http::Url url, self->url("/streams/" + to_base64url(number)));
  http::Client::UpgradeHeaders headers = [key, number, name = self->parts_.identity.name](
                                             const net::Stream& stream) -> Result<http::Headers> {
    const Bytes exporter = stream.exporter(session::kAgentExporterLabel);
    if (exporter.empty()) return fail(ErrorCode::unsupported, "the gateway does not speak TLS 1.3");
    const Bytes text =
        session::agent_proof_text(session::AgentPurpose::stream, exporter, name, number);
    return http::Headers{{"Hoopctl-Proof", to_base64url(key->sign(text))}};
  };
  std::string protocol(session::kAgentStreamProtocol);
  HOOP_CO_TRY(auto answer, co_await self->parts_.client.upgrade(url, std::move(protocol),
                                                                std::move(headers), deadline));
  if (const auto* response = std::get_if<http::Response>(&answer))
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("the gateway answered {} {}", response->status,
                               http::reason_phrase(response->status)));
  auto& upgraded = std::get<http::Client::Upgraded>(answer);
  std::shared_ptr<session::Tunnel> tunnel =
      session::Tunnel::over(std::move(upgraded.stream), std::move(upgraded.early));
  HOOP_CO_CHECK(co_await tunnel->receive_opening(deadline));
  co_return tunnel;
}

}  // namespace hoop::agent
