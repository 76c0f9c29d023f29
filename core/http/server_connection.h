// SPDX-License-Identifier: Apache-2.0
// One accepted connection of a Server: handshake, then request after request until either side ends
// it.
#pragma once

#include "core/http/message_reader.h"
#include "core/http/server.h"

namespace hoop::http {

/// What all connections of one server share. Outlives them.
struct ServerShared {
  std::optional<net::TlsServer> tls;
  Handler handler;
  std::shared_ptr<Log> log;
  ServerOptions options;
  bool stopping = false;
};

/// Resource, owned by the coroutine that serves it.
class ServerConnection {
 public:
  ServerConnection(std::shared_ptr<ServerShared> shared, ConnectionInfo info)
      : shared_(std::move(shared)), info_(std::move(info)), reader_(shared_->options.max_body) {}

  /// A connection that has switched protocols, and who takes it over.
  struct Upgraded {
    Response response;
    net::StreamPtr stream;
    std::string early;
  };
  /// nullopt: the connection has ended.
  asio::awaitable<std::optional<Upgraded>> serve(net::StreamPtr stream);
  /// Ends it at once if no request is under way: the server stops.
  void end_if_idle();
  const ConnectionInfo& info() const { return info_; }

 private:
  Task<void> shake_hands(net::StreamPtr stream, Deadline deadline);
  /// nullopt: there is none, and what had to be said has been.
  asio::awaitable<std::optional<Request>> next_request();
  asio::awaitable<std::optional<Request>> refuse(int status, std::string detail);
  /// False: the connection ends.
  Task<bool> fill();
  asio::awaitable<Response> handle(Request request);
  Task<void> send(Response& response, bool head_only, bool keep);
  Task<void> send_file(Response& response, bool head_only);
  Task<void> write(ByteSpan bytes);
  asio::awaitable<void> linger();
  ByteSpan unread() const {
    return ByteSpan(buffer_).subspan(unread_from_, unread_to_ - unread_from_);
  }
  Deadline within(std::chrono::milliseconds span) const;

  std::shared_ptr<ServerShared> shared_;
  ConnectionInfo info_;
  RequestReader reader_;
  net::StreamPtr stream_;
  // The stream as far as it has come, for end_if_idle: during the handshake TLS owns it.
  net::Stream* current_ = nullptr;
  Bytes buffer_;
  std::size_t unread_from_ = 0;
  std::size_t unread_to_ = 0;
  std::uint64_t served_ = 0;
  bool busy_ = false;
};

}  // namespace hoop::http
