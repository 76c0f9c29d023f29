// SPDX-License-Identifier: Apache-2.0
// A running http::Server on a free port, and what tests need to talk to it.
#pragma once

#include <functional>

#include "core/http/client.h"
#include "core/http/server.h"
#include "tests/support/run_task.h"

namespace hoop::test {

inline const net::GeneratedPki& http_pki() {
  static const auto made =
      net::generate_pki("test authority", {"localhost", "127.0.0.1", "gw.test"});
  return made;
}

enum class Transport { plain, tls };

class HttpFixture {
 public:
  HttpFixture(Transport transport, http::Handler handler, http::ServerOptions options = {})
      : scheme_(transport == Transport::tls ? "https" : "http"),
        server_(listen(transport, std::move(handler), options)) {}

  /// Runs scenario against the server, then stops the server, which must leave nothing behind.
  void run(const std::function<asio::awaitable<void>()>& scenario) {
    server_.start();
    CHECK(test::run(context, whole(scenario)));
    CHECK(server_.connections() == 0);
  }
  http::Url url(const std::string& target) const {
    auto parsed =
        http::parse_url(scheme_ + "://localhost:" + std::to_string(server_.port()) + target);
    REQUIRE(parsed);
    return std::move(*parsed);
  }
  http::Client client(http::ClientOptions options = {}) {
    auto made = http::Client::create(context.get_executor(),
                                     {http_pki().ca_pem, std::nullopt, net::Trust::Names::check},
                                     std::move(options));
    REQUIRE(made);
    return std::move(*made);
  }
  asio::awaitable<net::StreamPtr> connect() {
    auto stream = co_await net::connect_tcp(context.get_executor(), "127.0.0.1", server_.port(),
                                            in(std::chrono::seconds(5)));
    REQUIRE(stream);
    (*stream)->set_deadline(in(std::chrono::seconds(10)));
    co_return std::move(*stream);
  }
  /// Everything until the server ends the connection.
  static asio::awaitable<std::string> rest_of(net::Stream& stream) {
    std::string all;
    Bytes buffer(4096);
    for (;;) {
      const auto count = co_await stream.read_some(buffer);
      if (!count) co_return all + "!" + std::string(to_string(count.error().code));
      if (*count == 0) co_return all;
      all += as_text(ByteSpan(buffer).first(*count));
    }
  }
  http::Server& server() { return server_; }

  asio::io_context context;

 private:
  http::Server listen(Transport transport, http::Handler handler, http::ServerOptions options) {
    std::optional<net::TlsServer> tls;
    if (transport == Transport::tls) {
      auto made =
          net::TlsServer::create({http_pki().server_pem, http_pki().server_key_pem.clone()});
      REQUIRE(made);
      tls.emplace(std::move(*made));
    }
    auto made = http::Server::listen(context.get_executor(), "127.0.0.1", 0, std::move(tls),
                                     std::move(handler), std::make_shared<NullLog>(), options);
    REQUIRE(made);
    return std::move(*made);
  }
  asio::awaitable<bool> whole(std::function<asio::awaitable<void>()> scenario) {
    co_await scenario();
    co_await server_.stop();
    co_return true;
  }

  std::string scheme_;
  http::Server server_;
};

}  // namespace hoop::test
