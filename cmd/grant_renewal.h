// SPDX-License-Identifier: Apache-2.0
// Asks the gateway for more time before a grant expires, as long as the policy gives it.
#pragma once

#include <functional>
#include <string>

#include "cmd/environment.h"
#include "cmd/gateway_client.h"
#include "core/net/task_group.h"

namespace hoop::cmd {

/// Resource, on one io_context. Asks when two thirds of the time are over, ten minutes before its
/// end at the latest, so that nobody is warned of an end that does not come.
class GrantRenewal {
 public:
  /// client outlives this.
  GrantRenewal(Environment& environment, GatewayClient& client, asio::any_io_executor executor,
               std::string session, access::DataPath path)
      : environment_(environment),
        client_(client),
        session_(std::move(session)),
        path_(path),
        timer_(executor),
        tasks_(executor) {}

  /// renewed is called with the new end of access, each time, until stop(). Call once.
  void start(SystemTime expires_at, std::function<void(SystemTime)> renewed);
  /// Access has ended, or will: asks for nothing any more.
  void give_up();
  /// Returns when nothing is under way any more.
  asio::awaitable<void> stop();

 private:
  asio::awaitable<void> run(SystemTime expires_at);

  Environment& environment_;
  GatewayClient& client_;
  std::string session_;
  access::DataPath path_;
  std::function<void(SystemTime)> renewed_;
  asio::steady_timer timer_;
  net::TaskGroup tasks_;
};

}  // namespace hoop::cmd
