// SPDX-License-Identifier: Apache-2.0
// The gateway: composes stores, issuers, identity provider and API on one io_context, with a worker
// pool for what blocks, and event loops of their own for sessions.
#pragma once

#include <memory>
#include <optional>

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/net/asio.h"
#include "gateway/config.h"

namespace hoop::gateway {

class GatewayServer {
 public:
  /// Reads keys and certificate, opens the state, binds. Fails with config, storage, io; config
  /// also when another gateway runs on the same directory. Borrows context, clock, random and log,
  /// which outlive it.
  static Result<std::unique_ptr<GatewayServer>> create(GatewayConfig config,
                                                       asio::io_context& context,
                                                       const Clock& clock, Random& random,
                                                       std::shared_ptr<Log> log);
  ~GatewayServer();
  GatewayServer(const GatewayServer&) = delete;
  GatewayServer& operator=(const GatewayServer&) = delete;

  /// Accepts, sweeps, and writes DIR/state/listen, which says "address:port".
  Result<void> start();
  /// Reads the configuration anew and, if all of it holds, judges by its policy from now on: new
  /// grants, and the sessions on the gateway path. What else has changed waits for a restart. Fails
  /// with config, and the old policy stands; both are logged.
  Task<void> reload();
  /// Ends the sessions on the gateway path with their logs sealed and kept, answers what is under
  /// way, ends timers; then nothing of it is left on the io_context.
  asio::awaitable<void> stop();
  std::uint16_t port() const;
  /// Of the metrics; nullopt when they are off.
  std::optional<std::uint16_t> metrics_port() const;
  const std::string& base_url() const;

 private:
  struct Parts;
  explicit GatewayServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Runs the gateway of a directory until SIGTERM or SIGINT; SIGHUP reloads the policy. Answers when
/// everything has ended.
Result<void> serve(const std::filesystem::path& directory, const Clock& clock, Random& random,
                   std::shared_ptr<Log> log);

}  // namespace hoop::gateway
