// SPDX-License-Identifier: Apache-2.0
// A gateway from its start to the signal that ends it.
#include <signal.h>

#include <asio/signal_set.hpp>

#include "gateway/server.h"

namespace hoop::gateway {

Result<void> serve(const std::filesystem::path& directory, const Clock& clock, Random& random,
                   std::shared_ptr<Log> log) {
  ::signal(SIGPIPE, SIG_IGN);
  HOOP_TRY(auto config, load_config(directory));
  asio::io_context context(1);
  HOOP_TRY(auto server, GatewayServer::create(std::move(config), context, clock, random, log));
  HOOP_CHECK(server->start());
  asio::signal_set signals(context, SIGTERM, SIGINT), hangups(context, SIGHUP);
  asio::co_spawn(
      context,
      [](asio::signal_set& again, GatewayServer& gateway) -> asio::awaitable<void> {
        for (;;) {
          const auto [failure, number] = co_await again.async_wait(as_result);
          if (failure) co_return;
          static_cast<void>(co_await gateway.reload());  // logged
        }
      }(hangups, *server),
      [](std::exception_ptr) {});
  asio::co_spawn(
      context,
      [](asio::signal_set& until, GatewayServer& gateway, Log& events) -> asio::awaitable<void> {
        co_await until.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
        events.info("gateway.stopping");
        co_await gateway.stop();
      }(signals, *server, *log),
      [&context](std::exception_ptr) { context.stop(); });
  context.run();
  return {};
}

}  // namespace hoop::gateway
