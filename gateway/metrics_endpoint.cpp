// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics_endpoint.h"

#include <algorithm>

namespace hoop::gateway {
namespace {

// Whoever is on this machine may ask: not more often than this for what is read from the store.
constexpr std::chrono::seconds kKept{1};
// A collector gives up after ten; a store that hangs must not hide the rest.
constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMostConnections = 16;

/// A browser that was led here by a name that somebody made point to this machine says that name.
bool is_meant(std::string_view authority) {
  const std::string_view host = authority.substr(0, authority.rfind(':'));
  if (host == "localhost" || authority == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<std::size_t> count_local(Store& store, SystemTime now) {
  HOOP_TRY(const auto records, store.unrevoked());
  return static_cast<std::size_t>(std::ranges::count_if(records, [&](const SessionRecord& record) {
    return record.path == access::DataPath::local && record.state == CredentialState::active &&
           record.expires_at > now;
  }));
}

}  // namespace

MetricsEndpoint::MetricsEndpoint(Parts parts)
    : parts_(parts),
      local_sessions_([&store = parts.store,
                       &clock = parts.clock] { return count_local(store, clock.system_now()); },
                      parts.workers, parts.clock, {kKept, kPatience}) {}

Result<void> MetricsEndpoint::listen(asio::any_io_executor executor, const std::string& host,
                                     std::uint16_t port, std::shared_ptr<Log> log) {
  http::ServerOptions options;
  options.max_connections = kMostConnections;
  options.max_connections_per_address = kMostConnections;
  options.max_body = 0;
  const auto handler = [this](http::Request request, http::ConnectionInfo) {
    return answer(std::move(request));
  };
  HOOP_TRY(auto http, http::Server::listen(executor, host, port, std::nullopt, handler,
                                           std::move(log), options));
  http_.emplace(std::move(http));
  return {};
}

asio::awaitable<http::Response> MetricsEndpoint::answer(http::Request request) {
  if (request.path() != "/metrics" || !is_meant(request.headers.only("Host").value_or("")))
    co_return http::problem_response(404, "not_found", "there is nothing here");
  http::Response out;
  if (request.method != "GET" && request.method != "HEAD") {
    out = http::problem_response(405, "method", "this method is not for this path");
    out.headers.set("Allow", "GET, HEAD");
    co_return out;
  }
  const auto local = co_await local_sessions_.get();
  out.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  out.headers.set("Cache-Control", "no-store");
  out.body = parts_.metrics.text(local ? std::optional(*local) : std::nullopt);
  co_return out;
}

}  // namespace hoop::gateway
