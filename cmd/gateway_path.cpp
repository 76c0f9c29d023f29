// SPDX-License-Identifier: Apache-2.0
#include "cmd/gateway_path.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/net/relay.h"

namespace hoop::cmd {
namespace {

constexpr auto kOpenTime = std::chrono::seconds(15);  // connection, TLS, proof and answer
constexpr auto kEndTime = std::chrono::seconds(20);   // the gateway seals, verifies and stores
constexpr auto kPartingTime = std::chrono::seconds(2);
constexpr std::size_t kExporterBytes = 32;

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
  // A program that goes on over another connection has lost nothing that counts; what the gateway
  // refuses is its answer.
  tunnel_broke_ = !begun && begun.error().code != ErrorCode::denied &&
                  begun.error().code != ErrorCode::too_large;
  if (!begun) {
    environment_.console.warn("tunnel_failed",
                              fmt::format("no tunnel to the gateway: {}", begun.error().message),
                              begun.error().hint, {{"session", grant_.session}});
    if (session) co_await door.refuse(*downstream, begun.error());
    downstream->close();
    co_return begun;
  }
  const std::shared_ptr<session::Tunnel> gateway = std::move(*tunnel);
  const std::shared_ptr<net::Stream> program = std::move(downstream);
  // One that we closed ourselves has not broken, nor one that the gateway gave up with a reason.
  net::SecondBroke broke = [this](Error error) -> asio::awaitable<void> {
    if (error.code != ErrorCode::cancelled && error.remote.empty()) tunnel_broke_ = true;
    co_return;
  };
  live_.insert(gateway.get());
  Result<void> relayed = co_await net::relay(program, gateway, broke);
  live_.erase(gateway.get());
  // Silence, or what is no tunnel: noise can look like a frame that is too long.
  const ErrorCode why = relayed ? ErrorCode::cancelled : relayed.error().code;
  if (session &&
      (why == ErrorCode::timeout || why == ErrorCode::malformed || why == ErrorCode::too_large))
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

void GatewayPath::access_ended(const session::ControlEnd& end) {
  ended_by_ = end.cause;
  // The gateway's last words to the program are on their way; where there is no gateway, none are.
  parting_.expires_after(end.cause == "gateway_lost" ? std::chrono::seconds(0) : kPartingTime);
  parting_.async_wait([this](const std::error_code& failure) {
    if (!failure) end_all({});
  });
}

asio::awaitable<SessionResult> GatewayPath::finish(std::string cause, int program_status) {
  auto ended = co_await client_.end_session(grant_.session, std::move(cause), program_status,
                                            std::chrono::milliseconds(kEndTime));
  parting_.cancel();
  SessionResult out;
  if (!ended) {
    out.failure = std::move(ended).error();
    out.ended_by = ended_by_;
  } else {
    out = std::move(*ended);
  }
  out.tunnel_broke = tunnel_broke_;
  co_return out;
}

}  // namespace hoop::cmd
