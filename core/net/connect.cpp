// SPDX-License-Identifier: Apache-2.0
// connect_tcp: names to addresses, then each address in turn, all within one deadline.
#include <fmt/format.h>

#include "core/net/stream.h"
#include "core/net/stream_state.h"

namespace hoop::net {
namespace {

using asio::ip::tcp;

std::string shown(const std::string& host, std::uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), finished(executor) {}
  tcp::resolver resolver;
  asio::steady_timer finished;
  bool done = false;
  std::error_code error;
  std::vector<tcp::endpoint> endpoints;
};

// getaddrinfo runs on Asio's resolver thread and cannot be interrupted, so the wait is for a timer
// that the answer cancels: a name server that hangs costs us the deadline and no more.
Task<std::vector<tcp::endpoint>> look_up(asio::any_io_executor executor, std::string host,
                                         std::uint16_t port, Deadline deadline) {
  auto lookup = std::make_shared<Lookup>(executor);
  lookup->finished.expires_at(deadline.when());
  lookup->resolver.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [lookup](const std::error_code& error, const tcp::resolver::results_type& results) {
        lookup->done = true;
        lookup->error = error;
        for (const auto& entry : results) lookup->endpoints.push_back(entry.endpoint());
        lookup->finished.cancel();
      });
  co_await lookup->finished.async_wait(as_result);
  if (!lookup->done) {
    lookup->resolver.cancel();
    co_return fail(ErrorCode::timeout, fmt::format("look up '{}': no answer in time", host),
                   "check this machine's DNS");
  }
  if (lookup->error || lookup->endpoints.empty()) {
    co_return fail(ErrorCode::upstream_unreachable,
                   fmt::format("look up '{}': {}", host,
                               lookup->error ? error_text(lookup->error) : "no address"),
                   "check the spelling of the host name and this machine's DNS");
  }
  co_return std::move(lookup->endpoints);
}

Task<std::vector<tcp::endpoint>> endpoints_of(asio::any_io_executor executor, std::string host,
                                              std::uint16_t port, Deadline deadline) {
  std::error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::vector{tcp::endpoint(address, port)};
  // RFC 6761 §6.3: never asked of a name server.
  if (host == "localhost") {
    co_return std::vector{tcp::endpoint(asio::ip::address_v4::loopback(), port),
                          tcp::endpoint(asio::ip::address_v6::loopback(), port)};
  }
  co_return co_await look_up(executor, std::move(host), port, deadline);
}

struct Attempt {
  explicit Attempt(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  tcp::socket socket;
  asio::steady_timer timer;
  bool expired = false;
};

Task<StreamPtr> connect_one(asio::any_io_executor executor, tcp::endpoint endpoint,
                            SteadyTime until) {
  const auto where = shown(endpoint.address().to_string(), endpoint.port());
  auto attempt = std::make_shared<Attempt>(executor);
  if (until != SteadyTime::max()) {
    attempt->timer.expires_at(until);
    attempt->timer.async_wait([weak = std::weak_ptr(attempt)](const std::error_code& stopped) {
      const auto late = weak.lock();
      if (stopped || !late) return;
      late->expired = true;
      std::error_code ignored;
      late->socket.close(ignored);
    });
  }
  const auto [error] = co_await attempt->socket.async_connect(endpoint, as_result);
  attempt->timer.cancel();
  if (attempt->expired)
    co_return fail(ErrorCode::timeout, fmt::format("connect {}: no answer in time", where),
                   "check the address and the firewalls on the way");
  if (error == asio::error::operation_aborted)
    co_return fail(ErrorCode::cancelled, fmt::format("connect {}: cancelled", where));
  if (error) {
    co_return fail(ErrorCode::upstream_unreachable,
                   fmt::format("connect {}: {}", where, error_text(error)),
                   error == asio::error::connection_refused
                       ? "nothing listens there: check the port, and that the server runs"
                       : "check the address and the network on the way");
  }
  co_return make_tcp_stream(std::move(attempt->socket));
}

}  // namespace

Task<std::vector<asio::ip::address>> resolve(asio::any_io_executor executor, std::string host,
                                             Deadline deadline) {
  HOOP_CO_TRY(const auto endpoints,
              co_await endpoints_of(std::move(executor), std::move(host), 0, deadline));
  std::vector<asio::ip::address> out;
  for (const auto& endpoint : endpoints) out.push_back(endpoint.address());
  co_return out;
}

Task<StreamPtr> connect_tcp(asio::any_io_executor executor, std::string host, std::uint16_t port,
                            Deadline deadline) {
  HOOP_CO_TRY(const auto endpoints, co_await endpoints_of(executor, host, port, deadline));
  Error last{ErrorCode::upstream_unreachable,
             fmt::format("connect {}: no address", shown(host, port)),
             {},
             {}};
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto now = std::chrono::steady_clock::now();
    auto until = deadline.when();
    // An address that swallows packets must leave time for the ones after it.
    if (!deadline.is_never())
      until = now + (until - now) / static_cast<std::ptrdiff_t>(endpoints.size() - i);
    auto stream = co_await connect_one(executor, endpoints[i], until);
    if (stream || stream.error().code == ErrorCode::cancelled) co_return stream;
    last = std::move(stream).error();
  }
  co_return std::unexpected(std::move(last));
}

}  // namespace hoop::net
