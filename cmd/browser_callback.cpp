// SPDX-License-Identifier: Apache-2.0
#include "cmd/browser_callback.h"

#include <unistd.h>

#include <fmt/format.h>

#include "core/http/form.h"
#include "core/net/peer.h"

namespace hoop::cmd {
namespace {

constexpr std::string_view kPath = "/callback";

/// The words are ours: nothing that came is shown.
http::Response page(int status, std::string_view title, std::string_view words) {
  http::Response out;
  out.status = status;
  out.headers.set("Content-Type", "text/html; charset=utf-8");
  out.headers.set("Cache-Control", "no-store");
  // The address holds the code: no other page may learn it.
  out.headers.set("Referrer-Policy", "no-referrer");
  out.headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} - "
      "hoopctl</title></head>\n<body><h1>{0}</h1><p>{1}</p></body></html>\n",
      title, words);
  return out;
}

}  // namespace

Result<std::unique_ptr<BrowserCallback>> BrowserCallback::listen(asio::any_io_executor executor) {
  std::unique_ptr<BrowserCallback> out(new BrowserCallback(executor));
  http::ServerOptions options;
  options.max_connections = 16;  // one browser's
  options.max_body = 0;
  options.stop_grace = std::chrono::milliseconds(1000);
  auto server = http::Server::listen(
      std::move(executor), "127.0.0.1", 0, std::nullopt,
      [self = out.get()](http::Request request, http::ConnectionInfo connection) {
        return self->handle(std::move(request), std::move(connection));
      },
      std::make_shared<NullLog>(), options);
  if (!server) return std::unexpected(std::move(server).error().within("listen for the browser"));
  out->server_.emplace(std::move(*server));
  return out;
}

std::string BrowserCallback::redirect_uri() const {
  return fmt::format("http://127.0.0.1:{}{}", server_->port(), kPath);
}

asio::awaitable<http::Response> BrowserCallback::handle(http::Request request,
                                                        http::ConnectionInfo connection) {
  // Another user of this machine could log us in as somebody else.
  const asio::ip::tcp::endpoint local(asio::ip::address_v4::loopback(), server_->port());
  const auto peer = net::tcp_peer(local, {connection.peer, connection.peer_port});
  if (!peer || peer->uid != ::geteuid())
    co_return page(403, "Not yours", "This page is for the user who logs in.");
  if (request.path() != kPath) co_return page(404, "Nothing here", "Close this page.");
  if (request.method != "GET") co_return http::method_not_allowed("GET");
  const auto query = http::Form::parse(request.query());
  if (!query) co_return page(400, "Not an answer", "Log in again from the terminal.");
  auto returned = login_->returned(query->fields(), *issuer_);
  if (returned && !*returned)
    co_return page(400, "Not an answer", "It belongs to another login. Close this page.");
  const bool failed = !returned;
  if (!answer_) {
    if (returned)
      answer_.emplace(std::move(**returned));
    else
      answer_.emplace(std::unexpected(std::move(returned).error()));
    answered_.cancel();
  }
  co_return failed ? page(200, "Not logged in", "The terminal says why. Close this page.")
                   : page(200, "Almost there", "Close this page, and go on in the terminal.");
}

Task<SecretText> BrowserCallback::wait(const identity::BrowserLogin& login,
                                       const identity::IssuerMetadata& issuer,
                                       std::chrono::milliseconds patience) {
  login_ = &login;
  issuer_ = &issuer;
  server_->start();
  answered_.expires_after(patience);
  co_await answered_.async_wait(as_result);
  co_await server_->stop();  // what the browser is being shown arrives
  if (!answer_)
    co_return fail(ErrorCode::timeout, "nobody came back from the login page in time",
                   "run `hoopctl login --browser` again");
  co_return std::move(*answer_);
}

}  // namespace hoop::cmd
