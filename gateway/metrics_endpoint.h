// SPDX-License-Identifier: Apache-2.0
// GET /metrics on a loopback address of its own, in plain HTTP and without a login: for a collector
// on this machine.
#pragma once

#include "core/http/server.h"
#include "gateway/metrics.h"
#include "gateway/sampled.h"
#include "gateway/store.h"

namespace hoop::gateway {

/// On one io_context.
class MetricsEndpoint {
 public:
  /// Borrowed; outlives this, the pool's work included.
  struct Parts {
    const Metrics& metrics;
    Store& store;
    WorkerPool& workers;
    const Clock& clock;
  };
  explicit MetricsEndpoint(Parts parts);

  /// Binds. Fails with config, io.
  Result<void> listen(asio::any_io_executor executor, const std::string& host, std::uint16_t port,
                      std::shared_ptr<Log> log);
  void start() { http_->start(); }
  asio::awaitable<void> stop() { return http_->stop(); }
  std::uint16_t port() const { return http_->port(); }

 private:
  asio::awaitable<http::Response> answer(http::Request request);
  Parts parts_;
  Sampled<std::size_t> local_sessions_;
  std::optional<http::Server> http_;
};

}  // namespace hoop::gateway
