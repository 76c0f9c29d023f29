// SPDX-License-Identifier: Apache-2.0
#include "cmd/gateway_path.h"

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr auto kOpenTime = std::chrono::seconds(15);  // connection, TLS, proof and answer
constexpr auto kEndTime = std::chrono::seconds(20);   // the gateway seals, verifies and stores
constexpr std::size_t kBufferBytes = 64U << 10;
constexpr std::size_t kExporterBytes = 32;

/// Copies until from ends, and passes the end on.
Task<void> pump(net::Stream& from, net::Stream& to) {
  Bytes buffer(kBufferBytes);
  for (;;) {
    HOOP_CO_TRY(const std::size_t count, co_await from.read_some(buffer));
    if (count == 0) co_return co_await to.shutdown_write();
    HOOP_CO_CHECK(co_await to.write_all(ByteSpan(buffer).first(count)));
  }
}

}  // namespace

/// Made anew for each connection: it is bound to that connection's TLS keys, and its number is
/// accepted once.
Result<http::Headers> GatewayPath::proof(const net::Stream& connection) {
  const Bytes exporter = connection.exporter(session::kTunnelExporterLabel);
  if (exporter.size() != kExporterBytes)
    return fail(ErrorCode::unsupported, "the connection to the gateway is not TLS 1.3",
                "does a proxy between take TLS apart? The gateway must be reached directly or by "
                "CONNECT");
  const std::uint64_t stream = ++streams_;
  const auto signature = key_.sign(session::tunnel_proof_text(exporter, grant_.session, stream));
  http::Headers headers{{"Hoopctl-Ticket", grant_.ticket.reveal()},
                        {"Hoopctl-Stream", std::to_string(stream)},
                        {"Hoopctl-Proof", to_base64url(signature)}};
  return headers;
}

Task<std::unique_ptr<session::Tunnel>> GatewayPath::open() {
  http::Client::UpgradeHeaders headers = [this](const net::Stream& connection) {
    return proof(connection);
  };
  std::string path = fmt::format("/v1/sessions/{}/tunnel", grant_.session);
  HOOP_CO_TRY(auto upgraded,
              co_await client_.upgrade(std::move(path), std::string(session::kTunnelProtocol),
                                       std::move(headers), kOpenTime));
  co_return session::Tunnel::over(std::move(upgraded.stream), std::move(upgraded.early));
}

/// Both directions at once. The first failure ends both; an end of one leaves the other its time.
Task<void> GatewayPath::relay(net::Stream& downstream, session::Tunnel& tunnel) {
  asio::steady_timer joined(downstream.executor(), SteadyTime::max());
  std::optional<Result<void>> down;
  auto on_down = [&](const std::exception_ptr& thrown, Result<void> result) {
    down = thrown ? Result<void>(fail(ErrorCode::internal, "the relay failed")) : std::move(result);
    if (!*down) {
      tunnel.close();
      downstream.close();
    }
    joined.cancel();
  };
  asio::co_spawn(downstream.executor(), pump(tunnel, downstream), on_down);
  const Result<void> up = co_await pump(downstream, tunnel);
  if (!up) {
    tunnel.close();
    downstream.close();
  }
  while (!down) {
    co_await joined.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }
  // Whichever broke first; the other failed with cancelled because of it.
  if (!up && up.error().code != ErrorCode::cancelled) co_return up;
  co_return std::move(*down);
}

Task<void> GatewayPath::serve(net::StreamPtr downstream, session::Opening opening,
                              session::Door& door) {
  const bool session = opening.kind == session::Opening::Kind::session;
  auto tunnel = co_await open();
  Result<void> begun;
  if (tunnel) {
    begun = co_await (*tunnel)->send_opening(std::move(opening));
  } else {
    begun = std::unexpected(std::move(tunnel).error());
  }
  if (!begun) {
    environment_.console.warn("tunnel_failed",
                              fmt::format("no tunnel to the gateway: {}", begun.error().message),
                              begun.error().hint, {{"session", grant_.session}});
    if (session) co_await door.refuse(*downstream, begun.error());
    downstream->close();
    co_return begun;
  }
  live_.insert(tunnel->get());
  Result<void> relayed = co_await relay(*downstream, **tunnel);
  live_.erase(tunnel->get());
  (*tunnel)->close();
  downstream->close();
  if (!relayed && session &&
      (relayed.error().code == ErrorCode::timeout || relayed.error().code == ErrorCode::malformed))
    environment_.console.warn("tunnel_lost", "the tunnel to the gateway was lost",
                              "what was done stands in the gateway's record",
                              {{"session", grant_.session}});
  co_return relayed;
}

void GatewayPath::end_all(std::string) {
  for (session::Tunnel* tunnel : live_) {
    tunnel->close();
  }
}

asio::awaitable<SessionResult> GatewayPath::finish(std::string cause, int program_status) {
  auto ended = co_await client_.end_session(grant_.session, std::move(cause), program_status,
                                            std::chrono::milliseconds(kEndTime));
  SessionResult out;
  if (!ended) {
    out.failure = std::move(ended).error();
    co_return out;
  }
  co_return std::move(*ended);
}

}  // namespace hoop::cmd
