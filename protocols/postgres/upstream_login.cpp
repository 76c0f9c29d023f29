// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/upstream_login.h"

#include <fmt/format.h>

#include <array>

#include "core/net/tls.h"
#include "protocols/postgres/login_exchange.h"
#include "protocols/postgres/receive.h"

namespace hoop::postgres {
namespace {

// Of one message before ReadyForQuery: error texts are the longest.
constexpr std::size_t kMaxLoginMessageBytes = 64U << 10;

Error hung_up(Error error) {
  if (error.code != ErrorCode::io) return error;
  error.code = ErrorCode::upstream_unreachable;
  error.hint = "the target's log says why; is the address really a PostgreSQL server's";
  return error;
}

/// The server's one-byte answer to SSLRequest. Exactly one byte is read: what a man in the middle
/// put behind it ends up in the TLS handshake, which fails, and not in our buffer (CVE-2021-23222).
Task<char> ask_for_tls(net::Stream& stream) {
  Bytes request;
  append_ssl_request(request);
  HOOP_CO_CHECK(co_await stream.write_all(request));
  std::array<std::uint8_t, 1> answer{};
  HOOP_CO_TRY(const auto count, co_await stream.read_some(answer));
  if (count == 0)
    co_return fail(ErrorCode::io, "the target closed the connection when asked for TLS");
  co_return static_cast<char>(answer[0]);
}

/// Where TLS begins at once the server must agree on the protocol's name, or what is behind it may
/// speak another (PostgreSQL documentation, "SSL Session Encryption").
Task<net::StreamPtr> begin_tls(net::StreamPtr stream, const access::Target& target,
                               TargetCache& cache, Deadline deadline) {
  const bool direct = target.tls_negotiation == access::TlsNegotiation::direct;
  HOOP_CO_TRY(const auto tls, cache.tls_for(target));
  std::string name = target.tls_server_name.empty() ? target.host : target.tls_server_name;
  std::string alpn;
  if (direct) alpn = "postgresql";
  auto secured =
      co_await tls->handshake(std::move(stream), std::move(name), std::move(alpn), deadline);
  if (!direct) co_return secured;
  const bool refused = !secured && secured.error().code == ErrorCode::io;
  if (refused || (secured && (*secured)->application_protocol() != "postgresql")) {
    co_return fail(ErrorCode::upstream_refused, "the target does not take TLS that begins at once",
                   "tls_negotiation = \"direct\" needs PostgreSQL 17; leave it out");
  }
  co_return secured;
}

Task<net::StreamPtr> secure(net::StreamPtr stream, const access::Target& target, TargetCache& cache,
                            Deadline deadline) {
  if (target.tls == access::TlsMode::disable) co_return stream;
  if (target.tls_negotiation == access::TlsNegotiation::direct)
    co_return co_await begin_tls(std::move(stream), target, cache, deadline);
  HOOP_CO_TRY(const auto answer, co_await ask_for_tls(*stream));
  if (answer != 'S') {
    // 'E' is an ErrorResponse of a server from before TLS, or of somebody in between: its words are
    // not shown (CVE-2024-10977).
    co_return fail(ErrorCode::upstream_refused, "the target does not offer TLS",
                   "set ssl = on in its postgresql.conf, or tls = \"disable\" for this target if "
                   "its network can be trusted");
  }
  co_return co_await begin_tls(std::move(stream), target, cache, deadline);
}

Task<void> converse(net::Stream& stream, FrameReader& reader, LoginExchange& exchange) {
  Bytes out;
  exchange.start(out);
  HOOP_CO_CHECK(co_await stream.write_all(out));
  for (;;) {
    HOOP_CO_TRY(const auto frame, co_await receive(stream, reader, Direction::from_backend));
    out.clear();
    HOOP_CO_TRY(const auto progress, exchange.take(frame, out));
    if (progress == LoginExchange::Progress::ready) co_return Result<void>{};
    if (!out.empty()) HOOP_CO_CHECK(co_await stream.write_all(out));
    // It may hold the password in clear text.
    wipe(out.data(), out.size());
  }
}

Task<Upstream> log_in(net::StreamPtr plain, LoginParameters parameters) {
  plain->set_deadline(parameters.deadline);
  HOOP_CO_TRY(auto stream, co_await secure(std::move(plain), parameters.target, *parameters.cache,
                                           parameters.deadline));
  stream->set_deadline(parameters.deadline);

  LoginTerms terms;
  terms.tls = parameters.target.tls;
  terms.server_end_point = stream->server_end_point();
  terms.user = std::move(parameters.user);
  terms.password = std::move(parameters.password);
  terms.database = std::move(parameters.database);
  terms.parameters = std::move(parameters.parameters);
  terms.enter_role = std::move(parameters.enter_role);
  terms.scram_nonce = make_scram_nonce(*parameters.random);
  LoginExchange exchange(std::move(terms));

  FrameReader reader(kMaxLoginMessageBytes);
  HOOP_CO_CHECK(co_await converse(*stream, reader, exchange));
  reader.set_max_message(kMaxMessageBytes);
  stream->set_deadline(Deadline::never());
  LoginResult result = std::move(exchange).result();
  Upstream upstream{std::move(stream), std::move(reader), std::move(result.parameters),
                    std::move(result.cancel_key), std::move(result.notices)};
  co_return upstream;
}

/// Reads until the server closes, which tells that it has taken the request; a close of ours first
/// could throw it away unread.
Task<void> drain(net::Stream& stream) {
  std::array<std::uint8_t, 64> ignored{};
  for (;;) {
    const auto count = co_await stream.read_some(ignored);
    if (!count && count.error().code == ErrorCode::timeout)
      co_return std::unexpected(count.error());
    if (!count || *count == 0) co_return Result<void>{};
  }
}

Task<void> cancel(net::Dialer& dialer, const access::Target& target, ByteSpan key,
                  TargetCache& cache, Deadline deadline) {
  HOOP_CO_TRY(auto plain, co_await dialer.dial(target.host, target.port, deadline));
  plain->set_deadline(deadline);
  HOOP_CO_TRY(auto stream, co_await secure(std::move(plain), target, cache, deadline));
  stream->set_deadline(deadline);
  Bytes out;
  append_cancel_request(out, key);
  HOOP_CO_CHECK(co_await stream->write_all(out));
  co_return co_await drain(*stream);
}

}  // namespace

Task<Upstream> login(net::StreamPtr stream, LoginParameters parameters) {
  HOOP_ASSERT(parameters.random != nullptr);
  const std::string target = parameters.target.name;
  auto upstream = co_await log_in(std::move(stream), std::move(parameters));
  if (upstream) co_return upstream;
  co_return std::unexpected(
      hung_up(std::move(upstream).error()).within(fmt::format("log in to target '{}'", target)));
}

Task<void> send_cancel(net::Dialer& dialer, access::Target target, Bytes key,
                       std::shared_ptr<TargetCache> cache, Deadline deadline) {
  if (key.empty())
    co_return fail(ErrorCode::unsupported, "the target gave no key to cancel statements with");
  auto done = co_await cancel(dialer, target, key, *cache, deadline);
  if (done) co_return done;
  co_return std::unexpected(
      hung_up(std::move(done).error()).within(fmt::format("cancel on target '{}'", target.name)));
}

}  // namespace hoop::postgres
