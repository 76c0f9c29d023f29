// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_service.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "gateway/idp/parts.h"

namespace hoop::gateway {
namespace {

constexpr std::string_view kBefore = "/v1/agents/";
constexpr std::string_view kControl = "/control";
constexpr std::string_view kStreams = "/streams/";
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMaxBody = 4U << 10;
constexpr std::size_t kMaxToken = 128;

http::Response malformed(std::string_view detail) {
  return http::problem_response(400, "malformed", detail);
}

/// One answer for whatever is off: an agent that is unknown, removed or another one, a number that
/// nobody waits for.
http::Response not_this_agent() {
  return http::problem_response(401, "agent_refused", "no such agent, key or number");
}

http::Response refusal(const Error& error) {
  switch (error.code) {
    case ErrorCode::unauthenticated: return not_this_agent();
    case ErrorCode::cancelled:
      return http::problem_response(503, "stopping", "the gateway is stopping");
    default: return http::problem_response(507, "storage", "the agents cannot be looked up");
  }
}

http::Response switched(std::string_view protocol) {
  http::Response out;
  out.status = 101;
  out.headers.set("Connection", "Upgrade");
  out.headers.set("Upgrade", std::string(protocol));
  return out;
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> read_array(std::string_view text) {
  const auto bytes = from_base64url(text);
  std::array<std::uint8_t, N> out{};
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

std::expected<AgentProof, http::Response> read_proof(const http::Request& request,
                                                     const http::ConnectionInfo& connection,
                                                     std::string name, std::string_view protocol) {
  if (!request.query().empty() || !request.body.empty())
    return std::unexpected(malformed("this has neither query nor body"));
  if (!request.headers.lists("Upgrade", protocol) ||
      !request.headers.lists("Connection", "Upgrade")) {
    auto out = http::problem_response(426, "upgrade_required", "this is for agents only");
    out.headers.set("Upgrade", std::string(protocol));
    out.headers.set("Connection", "Upgrade");
    return std::unexpected(std::move(out));
  }
  // What comes before the 101 may be meant for somebody who does not know of the switch.
  if (connection.unread != 0) return std::unexpected(malformed("wait for the 101"));
  auto signature =
      from_base64url(request.headers.only("Hoopctl-Proof").value_or(std::string_view()));
  if (!signature || signature->size() != kSignatureBytes)
    return std::unexpected(malformed("Hoopctl-Proof must be 64 bytes in base64url"));
  AgentProof out{std::move(name), {}, std::move(*signature)};
  if (connection.stream != nullptr)
    out.exporter = connection.stream->exporter(session::kAgentExporterLabel);
  if (out.exporter.empty()) return std::unexpected(malformed("an agent needs TLS 1.3"));
  return out;
}

/// The body, strictly: {"token", "key", "proof"}.
Result<AgentJoin> read_join(const std::string& body) {
  const auto bad = [](std::string_view why) {
    return fail(ErrorCode::malformed, std::string(why));
  };
  if (body.size() > kMaxBody) return bad("the request is too long");
  HOOP_TRY(const auto json, identity::parse_json(body));
  if (json.object() == nullptr || json.object()->size() != 3)
    return bad("the request must be an object of token, key and proof");
  const std::string *token = json.text("token"), *key = json.text("key"),
                    *proof = json.text("proof");
  if (token == nullptr || token->empty() || token->size() > kMaxToken)
    return bad("'token' is missing or too long");
  const auto raw = key != nullptr ? read_array<32>(*key) : std::nullopt;
  const auto signature = proof != nullptr ? read_array<64>(*proof) : std::nullopt;
  if (!raw) return bad("'key' must be 32 bytes in base64url");
  if (!signature || !crypto::verify_ed25519(*raw, session::agent_join_text(*token), *signature))
    return bad("'proof' must be the key's signature");
  return AgentJoin{SecretText(*token), *raw};
}

}  // namespace

bool is_agent_path(std::string_view path) { return path.starts_with(kBefore); }

AgentService::AgentService(std::shared_ptr<Agents> agents, std::string gateway_id)
    : agents_(std::move(agents)),
      gateway_id_(std::move(gateway_id)),
      tries_(idp::TryLimiter::Settings{}) {}

asio::awaitable<http::Response> AgentService::answer(http::Request request,
                                                     http::ConnectionInfo connection) {
  const std::string path(request.path().substr(kBefore.size()));
  http::Response out;
  const std::size_t slash = path.find('/');
  const std::string name = path.substr(0, slash);
  const std::string_view rest =
      slash == std::string::npos ? std::string_view() : std::string_view(path).substr(slash);
  const bool stream = rest.starts_with(kStreams);
  if (path == "join" && request.method != "POST") {
    out = http::method_not_allowed("POST");
  } else if (path == "join") {
    out = co_await join(std::move(request), std::move(connection));
  } else if (rest != kControl && !stream) {
    out = http::problem_response(404, "not_found", "there is nothing here");
  } else if (request.method != "GET") {
    out = http::method_not_allowed("GET");
  } else {
    auto proof = read_proof(request, connection, name,
                            stream ? session::kAgentStreamProtocol : session::kAgentProtocol);
    if (!proof) {
      out = std::move(proof).error();
    } else if (stream) {
      out = open_stream(*proof, rest.substr(kStreams.size()));
    } else {
      out = co_await open_control(std::move(*proof), idp::address_text(connection.peer));
    }
    if (out.status == 401)
      agents_->log().warning("agent.refused", {{"agent", neutralise(name, 64, Lines::escape)},
                                               {"peer", idp::address_text(connection.peer)},
                                               {"what", stream ? "stream" : "control"}});
  }
  out.headers.set("Cache-Control", "no-store");
  co_return out;
}

asio::awaitable<http::Response> AgentService::join(http::Request request,
                                                   http::ConnectionInfo connection) {
  auto wish = read_join(request.body);
  if (!wish) co_return malformed(wish.error().message);
  const std::string address = idp::address_key(connection.peer);
  const SteadyTime now = agents_->clock().steady_now();
  if (const auto wait = tries_.wait_for(address, now); wait.count() > 0)
    co_return idp::too_many(
        http::problem_response(429, "rate_limited", "too many tries: wait a moment"), wait);
  // Before the look, so that parallel tries do not all pass.
  tries_.failed(address, now);
  const std::string peer = idp::address_text(connection.peer);
  auto name = co_await agents_->join(std::move(*wish));
  if (!name && name.error().code == ErrorCode::unauthenticated) {
    agents_->log().warning("agent.join_refused", {{"peer", peer}});
    co_return http::problem_response(401, "join_refused", name.error().message);
  }
  tries_.take_back(address);
  if (!name) co_return refusal(name.error());
  agents_->log().info("agent.joined", {{"agent", *name}, {"peer", peer}});
  std::string body = "{\"gateway\":";
  append_json_string(body, gateway_id_);
  body += ",\"agent\":";
  append_json_string(body, *name);
  body += "}";
  co_return http::json_response(200, std::move(body));
}

asio::awaitable<http::Response> AgentService::open_control(AgentProof proof, std::string peer) {
  const std::string name = proof.name;
  const auto key = co_await agents_->authenticate(std::move(proof));
  if (!key) co_return refusal(key.error());
  http::Response out = switched(session::kAgentProtocol);
  out.upgrade = [agents = agents_, name, key = *key, peer = std::move(peer)](
                    net::StreamPtr stream, std::string early) -> asio::awaitable<void> {
    // Nothing came before the 101: that was checked.
    if (early.empty()) agents->serve(name, key, std::move(stream), peer);
    co_return;
  };
  co_return out;
}

http::Response AgentService::open_stream(const AgentProof& proof, std::string_view number) {
  const auto wanted = read_array<16>(number);
  if (!wanted) return malformed("a stream's number is 16 bytes in base64url");
  auto pending = agents_->admit(proof, *wanted);
  if (!pending) return not_this_agent();
  http::Response out = switched(session::kAgentStreamProtocol);
  out.upgrade = [pending = std::move(pending)](net::StreamPtr stream,
                                               std::string early) -> asio::awaitable<void> {
    if (early.empty()) Agents::deliver(*pending, std::move(stream));
    co_return;
  };
  return out;
}

}  // namespace hoop::gateway
