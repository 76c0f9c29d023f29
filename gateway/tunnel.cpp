// SPDX-License-Identifier: Apache-2.0
#include "gateway/tunnel.h"

#include <charconv>

#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

constexpr std::string_view kBefore = "/v1/sessions/";
constexpr std::string_view kAfter = "/tunnel";
constexpr std::size_t kTicketBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

std::string_view session_of(std::string_view path) {
  return path.substr(kBefore.size(), path.size() - kBefore.size() - kAfter.size());
}

/// A number as people write it: no sign, no leading zero.
std::optional<std::uint64_t> read_stream(std::string_view text) {
  std::uint64_t out = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || text.front() == '0' || error != std::errc() ||
      stop != text.data() + text.size() || out > StreamNumbers::kHighest)
    return std::nullopt;
  return out;
}

std::optional<Bytes> read_field(const http::Headers& headers, std::string_view name,
                                std::size_t size) {
  const auto text = headers.only(name);
  auto bytes = text ? from_base64url(*text) : std::nullopt;
  if (!bytes || bytes->size() != size) return std::nullopt;
  return bytes;
}

http::Response malformed(std::string_view detail) {
  return http::problem_response(400, "malformed", detail);
}

http::Response wants_upgrade() {
  http::Response out = http::problem_response(426, "upgrade_required", "this is for tunnels only");
  out.headers.set("Upgrade", std::string(session::kTunnelProtocol));
  out.headers.set("Connection", "Upgrade");
  return out;
}

http::Response refusal(StreamRefusal why) {
  switch (why) {
    case StreamRefusal::wrong:
      return http::problem_response(401, "tunnel_refused", "no stream for this ticket and proof");
    case StreamRefusal::ended:
      return http::problem_response(403, "access_ended", "this session is over");
    case StreamRefusal::too_many:
      return http::problem_response(429, "too_many_streams",
                                    "this session has as many connections as it may have");
    case StreamRefusal::stopping:
      return http::problem_response(503, "stopping", "the gateway is stopping");
  }
  return http::problem_response(500, "internal", "the server failed; its log says why");
}

std::expected<StreamProof, http::Response> read_proof(const http::Request& request,
                                                      const http::ConnectionInfo& connection) {
  if (!request.query().empty() || !request.body.empty())
    return std::unexpected(malformed("a tunnel has neither query nor body"));
  if (!request.headers.lists("Upgrade", session::kTunnelProtocol) ||
      !request.headers.lists("Connection", "Upgrade"))
    return std::unexpected(wants_upgrade());
  // What comes before the 101 may be meant for somebody who does not know of the switch.
  if (connection.unread != 0) return std::unexpected(malformed("wait for the 101"));
  StreamProof proof;
  proof.session = session_of(request.path());
  auto ticket = read_field(request.headers, "Hoopctl-Ticket", kTicketBytes);
  const auto stream = read_stream(request.headers.only("Hoopctl-Stream").value_or(""));
  auto signature = read_field(request.headers, "Hoopctl-Proof", kSignatureBytes);
  if (!ticket) return std::unexpected(malformed("Hoopctl-Ticket must be 32 bytes in base64url"));
  if (!stream) return std::unexpected(malformed("Hoopctl-Stream must be a number from 1 to 2^53"));
  if (!signature) return std::unexpected(malformed("Hoopctl-Proof must be 64 bytes in base64url"));
  proof.ticket = SecretBytes(std::move(*ticket));
  proof.stream = *stream;
  proof.signature = std::move(*signature);
  if (connection.stream != nullptr)
    proof.exporter = connection.stream->exporter(session::kTunnelExporterLabel);
  if (proof.exporter.empty()) return std::unexpected(malformed("a tunnel needs TLS 1.3"));
  return proof;
}

}  // namespace

bool is_tunnel_path(std::string_view path) {
  return path.size() > kBefore.size() + kAfter.size() && path.starts_with(kBefore) &&
         path.ends_with(kAfter) && session_of(path).find('/') == std::string_view::npos;
}

http::Response TunnelService::answer(const http::Request& request,
                                     const http::ConnectionInfo& connection) {
  if (request.method != "GET") {
    http::Response out = http::problem_response(405, "method", "this method is not for this path");
    out.headers.set("Allow", "GET");
    return out;
  }
  const auto proof = read_proof(request, connection);
  if (!proof) return proof.error();
  auto place = sessions_.admit(*proof);
  if (!place) {
    log_.debug("tunnel.refused", {{"peer", connection.peer.to_string()}});
    http::Response out = refusal(place.error());
    out.headers.set("Cache-Control", "no-store");
    return out;
  }
  http::Response out;
  out.status = 101;
  out.headers.set("Connection", "Upgrade");
  out.headers.set("Upgrade", std::string(session::kTunnelProtocol));
  // The place goes with the closure: a 101 that cannot be sent gives it back.
  out.upgrade = [place = std::move(*place)](net::StreamPtr stream,
                                            std::string early) -> asio::awaitable<void> {
    LiveSession::serve(place, std::move(stream), to_bytes(early));
    co_return;
  };
  return out;
}

}  // namespace hoop::gateway
