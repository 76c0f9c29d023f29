// SPDX-License-Identifier: Apache-2.0
// Serves HTTP/1.1 on one listener, with or without TLS, and answers each request by one handler.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/base/log.h"
#include "core/http/message.h"
#include "core/net/tls.h"

namespace hoop::http {

struct ConnectionInfo {
  std::uint64_t connection = 0;  // counts from 1
  asio::ip::address peer;
  std::uint16_t peer_port = 0;
  /// The connection itself, while the request is handled: for what proofs bind to.
  const net::Stream* stream = nullptr;
  /// Bytes of the client that stand behind the request: pipelined, or sent before the 101 came.
  std::size_t unread = 0;
};

/// Called once a request, on the server's executor; requests of one connection come one after
/// another. What it throws becomes 500.
using Handler = std::function<asio::awaitable<Response>(Request, ConnectionInfo)>;

struct ServerOptions {
  std::size_t max_connections = 1024;
  std::size_t max_connections_per_address = 128;
  std::uint64_t max_body = 2 * 1024 * 1024;
  std::chrono::milliseconds handshake_and_head{
      10'000};  // from accept; later heads from their first byte
  std::chrono::milliseconds body{60'000};
  std::chrono::milliseconds idle{60'000};
  std::chrono::milliseconds write{60'000};
  std::chrono::milliseconds stop_grace{5'000};
};

/// Resource, on one io_context. Sets Date, Content-Length and Connection; every other field is the
/// handler's.
class Server {
 public:
  /// Binds and listens; port 0 picks one. Fails with config (bad address) or io (in use: says so).
  static Result<Server> listen(asio::any_io_executor executor, const std::string& address,
                               std::uint16_t port, std::optional<net::TlsServer> tls,
                               Handler handler, std::shared_ptr<Log> log,
                               ServerOptions options = {});
  /// Without stop() before it: cuts everything off. What is still upgraded is cut off in any case.
  ~Server();
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  std::uint16_t port() const;
  /// Begins to accept. Call once.
  void start();
  /// No new connections; idle ones end; requests under way are answered within stop_grace. Returns
  /// when every coroutine has ended but those of upgraded connections, which go on.
  asio::awaitable<void> stop();
  /// Upgraded ones are not counted, and no limit holds for them.
  std::size_t connections() const;

 private:
  struct State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::http
