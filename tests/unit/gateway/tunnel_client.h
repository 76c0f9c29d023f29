// SPDX-License-Identifier: Apache-2.0
// The client's end of the gateway path: asks for a grant, opens streams, and speaks as much
// PostgreSQL as a test needs.
#pragma once

#include "core/record/session_log_reader.h"
#include "core/session/tunnel.h"
#include "tests/unit/gateway/gateway_support.h"

namespace hoop::gateway::test_support {

/// How a stream is asked for; what is not set is as it must be.
struct StreamWish {
  std::uint64_t stream = 1;
  const crypto::Ed25519Key* key = nullptr;
  std::optional<std::string> session = std::nullopt;
  std::optional<std::string> ticket = std::nullopt;
  std::optional<Bytes> exporter = std::nullopt;
  http::Headers more = {};  // set last
};

/// A session of alice's on the gateway path.
struct FarSession {
  explicit FarSession(Gateway& g, const std::string& target = "pg-far")
      : gateway(g), token(g.token("alice", {"dev"})) {
    Json body = grant_body(key, target);
    body["command"] = {"psql", "-c", "select 1"};
    answer = gateway.post("/v1/grants", token, body);
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    auto read = access::grant_from_json(answer.body);
    INFO((read ? "" : read.error().message));
    REQUIRE(read);
    grant = std::move(*read);
  }

  using Opened = std::variant<std::unique_ptr<session::Tunnel>, http::Response>;
  /// Up to the 101, and no opening yet.
  asio::awaitable<http::Client::Upgraded> raw(StreamWish wish) {
    auto answered = co_await ask(std::move(wish));
    if (auto* refused = std::get_if<http::Response>(&answered))
      throw std::runtime_error("refused: " + refused->body);
    co_return std::move(std::get<http::Client::Upgraded>(answered));
  }
  asio::awaitable<http::Client::UpgradeAnswer> ask(StreamWish wish) {
    http::Client::UpgradeHeaders headers = [this, wish](const net::Stream& stream) {
      return fields(wish, stream);
    };
    http::Url url = *http::parse_url(gateway.server->base_url() + "/v1/sessions/" +
                                     wish.session.value_or(grant.session) + "/tunnel");
    std::string protocol(session::kTunnelProtocol);
    auto answered =
        co_await gateway.client->upgrade(std::move(url), std::move(protocol), std::move(headers),
                                         Deadline::after(gateway.clock, std::chrono::seconds(20)));
    if (!answered) throw std::runtime_error("upgrade: " + answered.error().message);
    co_return std::move(*answered);
  }
  /// With the opening sent.
  asio::awaitable<std::unique_ptr<session::Tunnel>> open(StreamWish wish) {
    session::Opening opening;
    opening.parameters = {{"user", "hoop"}, {"database", "postgres"}};
    return open_with(std::move(wish), std::move(opening));
  }
  asio::awaitable<std::unique_ptr<session::Tunnel>> open_with(StreamWish wish,
                                                              session::Opening opening) {
    auto upgraded = co_await raw(std::move(wish));
    auto tunnel = session::Tunnel::over(std::move(upgraded.stream), std::move(upgraded.early));
    tunnel->set_deadline(Deadline::after(gateway.clock, std::chrono::seconds(20)));
    const auto sent = co_await tunnel->send_opening(std::move(opening));
    if (!sent) throw std::runtime_error("opening: " + sent.error().message);
    co_return std::move(tunnel);
  }
  Result<http::Headers> fields(const StreamWish& wish, const net::Stream& stream) const {
    const Bytes exporter = wish.exporter.value_or(stream.exporter(session::kTunnelExporterLabel));
    const Bytes text =
        session::tunnel_proof_text(exporter, wish.session.value_or(grant.session), wish.stream);
    const auto signature = (wish.key != nullptr ? *wish.key : key).sign(text);
    http::Headers out{{"Hoopctl-Ticket", wish.ticket.value_or(grant.ticket.reveal())},
                      {"Hoopctl-Stream", std::to_string(wish.stream)},
                      {"Hoopctl-Proof", to_base64url(signature)}};
    for (const http::Header& field : wish.more) out.set(field.name, field.value);
    return out;
  }
  /// The status and code of the answer; "101" if it is let in.
  std::string status(StreamWish wish) {
    auto answered = gateway.run(ask(std::move(wish)));
    const auto* refused = std::get_if<http::Response>(&answered);
    return refused == nullptr ? "101" : std::to_string(refused->status) + " " + code_of(*refused);
  }
  http::Response end(const std::string& cause = "program_exit", int status = 0) {
    return gateway.post("/v1/sessions/" + grant.session + "/end", token,
                        {{"cause", cause}, {"program_status", status}});
  }
  bool has_role() const {
    return gateway.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'hoop_" +
                                grant.session.substr(2) + "'") == "1";
  }

  Gateway& gateway;
  std::string token;
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  http::Response answer;
  access::Grant grant;
};

/// Reads whole messages until ReadyForQuery or the end: "name|email" lines of rows, "ERROR 42501
/// words", and last "ready" or the code of what ended it. cancel_key: takes what a cancel must
/// show.
inline asio::awaitable<std::string> read_replies(net::Stream& stream, Bytes* cancel_key = nullptr) {
  std::string out;
  Bytes held, buffer(4096);
  for (;;) {
    while (held.size() >= 5) {
      ByteReader reader{held};
      const char tag = static_cast<char>(*reader.u8());
      const std::size_t size = *reader.u32() + 1;
      if (held.size() < size) break;
      ByteReader body{ByteSpan(held).subspan(5, size - 5)};
      if (tag == 'D') {
        const std::uint16_t fields = *body.u16();
        for (std::uint16_t i = 0; i < fields; ++i) {
          const auto length = *body.i32();
          if (i > 0) out += '|';
          if (length >= 0) out += as_text(*body.take(static_cast<std::size_t>(length)));
        }
        out += '\n';
      }
      if (tag == 'E') {
        std::string severity, code, message;
        while (const auto field = body.u8()) {
          if (*field == 0) break;
          const std::string_view text = *body.c_string();
          if (*field == 'S') severity = text;
          if (*field == 'C') code = text;
          if (*field == 'M') message = text;
        }
        out += severity + " " + code + " " + message + "\n";
      }
      if (tag == 'K' && cancel_key != nullptr)
        cancel_key->assign(body.rest().begin(), body.rest().end());
      if (tag == 'Z') co_return out + "ready";
      held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(size));
    }
    const auto count = co_await stream.read_some(buffer);
    if (!count) co_return out + std::string(to_string(count.error().code));
    if (*count == 0) co_return out + "end";
    held.insert(held.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

inline asio::awaitable<bool> send_query(net::Stream& stream, std::string sql) {
  Bytes message;
  ByteWriter writer(message);
  writer.u8('Q');
  writer.u32(static_cast<std::uint32_t>(sql.size() + 5));
  writer.c_string(sql);
  const auto written = co_await stream.write_all(message);
  co_return written.has_value();
}

inline asio::awaitable<std::string> query(net::Stream& stream, std::string sql) {
  const bool sent = co_await send_query(stream, std::move(sql));
  if (!sent) co_return "not sent";
  co_return co_await read_replies(stream);
}

inline asio::awaitable<bool> pause_for(std::chrono::milliseconds span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  co_await timer.async_wait(as_result);
  co_return true;
}

/// The payloads of a log, one a line, and whether it is sealed.
inline std::string log_text(const std::string& bytes) {
  record::LogReader reader;
  reader.feed(as_bytes(bytes));
  std::string out;
  for (;;) {
    const auto next = reader.next();
    REQUIRE(next);
    if (out.empty() && reader.header()) out = reader.header()->json + "\n";
    if (!*next) break;
    out += to_text((*next)->payload) + "\n";
  }
  const auto summary = reader.finish();
  REQUIRE(summary);
  out += summary->sealed ? "sealed" : "not sealed";
  return out;
}

/// Opens a stream and waits until it is ready.
inline std::unique_ptr<session::Tunnel> ready_stream(FarSession& far, std::uint64_t number = 1) {
  auto tunnel = far.gateway.run(far.open({.stream = number}));
  REQUIRE(far.gateway.run(read_replies(*tunnel)) == "ready");
  return tunnel;
}

}  // namespace hoop::gateway::test_support
