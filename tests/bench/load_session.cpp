// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load_session.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/dpop.h"

namespace hoop::bench {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kReadBytes = 64U << 10;
constexpr std::size_t kHeaderBytes = 5;  // of a message: tag and length

Bytes query_message(const std::string& sql) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8('Q');
  writer.u32(static_cast<std::uint32_t>(sql.size() + 5));
  writer.c_string(sql);
  return out;
}

http::Headers who_asks(const LoadLogin& login, std::string_view method, const std::string& url) {
  if (!login.key) return {{"Authorization", "Bearer " + login.token.reveal()}};
  crypto::SystemRandom random;
  return {{"Authorization", "DPoP " + login.token.reveal()},
          {"DPoP", identity::make_proof(*login.key, {method, url, login.token.reveal()}, {},
                                        login.clock.system_now(), random)}};
}

}  // namespace

Task<std::unique_ptr<LoadSession>> LoadSession::open(LoadLogin& login) {
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  HOOP_CO_TRY(http::Url url, http::parse_url(login.url + "/v1/grants"));
  http::Headers headers = who_asks(login, "POST", login.url + "/v1/grants");
  headers.set("Content-Type", "application/json");
  std::string body = fmt::format(R"({{"target":"{}","client_key":"{}"}})", login.target,
                                 to_base64url(key.public_key()));
  HOOP_CO_TRY(const http::Response answer,
              co_await login.client.send("POST", std::move(url), std::move(headers),
                                         std::move(body), Deadline::after(login.clock, kPatience)));
  if (answer.status != 201)
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("grant: {} {}", answer.status, answer.body));
  HOOP_CO_TRY(access::Grant grant, access::grant_from_json(answer.body));
  co_return std::unique_ptr<LoadSession>(new LoadSession(login, std::move(key), std::move(grant)));
}

Result<http::Headers> LoadSession::proof(const net::Stream& connection) {
  const Bytes exporter = connection.exporter(session::kTunnelExporterLabel);
  const std::uint64_t stream = ++streams_;
  const auto signature = key_.sign(session::tunnel_proof_text(exporter, grant_.session, stream));
  return http::Headers{{"Hoopctl-Ticket", grant_.ticket.reveal()},
                       {"Hoopctl-Stream", std::to_string(stream)},
                       {"Hoopctl-Proof", to_base64url(signature)}};
}

Task<void> LoadSession::connect() {
  HOOP_CO_TRY(http::Url url,
              http::parse_url(fmt::format("{}/v1/sessions/{}/tunnel", login_.url, grant_.session)));
  http::Client::UpgradeHeaders headers = [this](const net::Stream& stream) {
    return proof(stream);
  };
  std::string protocol(session::kTunnelProtocol);
  HOOP_CO_TRY(auto answer, co_await login_.client.upgrade(
                               std::move(url), std::move(protocol), std::move(headers),
                               Deadline::after(login_.clock, kPatience)));
  auto* upgraded = std::get_if<http::Client::Upgraded>(&answer);
  if (upgraded == nullptr)
    co_return fail(ErrorCode::upstream_refused, "tunnel: " + std::get<http::Response>(answer).body);
  tunnel_ = session::Tunnel::over(std::move(upgraded->stream), std::move(upgraded->early));
  session::Opening opening;
  opening.parameters = {{"user", "load"}, {"database", grant_.target.databases.front()}};
  HOOP_CO_CHECK(co_await tunnel_->send_opening(std::move(opening)));
  HOOP_CO_CHECK(co_await read_answer());
  co_return Result<void>{};
}

Task<void> LoadSession::send(std::string sql) {
  const Bytes message = query_message(sql);
  co_return co_await tunnel_->write_all(message);
}

Task<void> LoadSession::fill() {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(held_from_));
  held_from_ = 0;
  const std::size_t before = held_.size();
  held_.resize(before + kReadBytes);
  const auto count = co_await tunnel_->read_some(MutableByteSpan(held_).subspan(before));
  held_.resize(before + count.value_or(0));
  if (!count) co_return std::unexpected(count.error());
  if (*count == 0) co_return fail(ErrorCode::io, "the gateway has ended the connection");
  co_return Result<void>{};
}

Task<std::uint64_t> LoadSession::read_answer() {
  std::uint64_t bytes = 0;
  for (;;) {
    ByteReader reader{ByteSpan(held_).subspan(held_from_)};
    const auto tag = reader.u8();
    const auto length = reader.u32();
    if (!length || reader.size() + kHeaderBytes < *length + 1) {
      HOOP_CO_CHECK(co_await fill());
      continue;
    }
    held_from_ += *length + 1;
    bytes += *length + 1;
    if (tag == 'E')
      co_return fail(ErrorCode::upstream_refused, "error: " + to_text(*reader.take(*length - 4)));
    if (tag != 'Z') continue;
    // An idle session of ours holds nothing.
    if (held_from_ == held_.size()) held_ = {}, held_from_ = 0;
    co_return bytes;
  }
}

Task<void> LoadSession::end() {
  hang_up();  // as a program does that has ended
  const std::string address = login_.url + "/v1/grants/" + grant_.session;
  HOOP_CO_TRY(http::Url url, http::parse_url(address));
  http::Headers headers = who_asks(login_, "DELETE", address);
  HOOP_CO_TRY(const http::Response answer,
              co_await login_.client.send("DELETE", std::move(url), std::move(headers),
                                          std::string(), Deadline::after(login_.clock, kPatience)));
  if (answer.status != 204)
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("end: {} {}", answer.status, answer.body));
  co_return Result<void>{};
}

}  // namespace hoop::bench
