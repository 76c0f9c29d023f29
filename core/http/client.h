// SPDX-License-Identifier: Apache-2.0
// Sends one request and answers the response; keeps one connection an origin alive. Follows no
// redirects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "core/http/message.h"
#include "core/http/proxy.h"
#include "core/http/url.h"
#include "core/net/tls.h"

namespace hoop::http {

struct ClientOptions {
  enum class PlainHttp { loopback_only, allowed };
  PlainHttp plain_http = PlainHttp::loopback_only;
  std::optional<Proxy> proxy = std::nullopt;
  std::uint64_t max_body = 8 * 1024 * 1024;
  std::string user_agent = "hoopctl/" HOOPCTL_VERSION;
};

/// Resource: one owner, on one io_context. Requests may be under way at once; they share kept-alive
/// connections by turns.
class Client {
 public:
  /// Fails with config if trust cannot be read.
  static Result<Client> create(asio::any_io_executor executor, net::Trust trust,
                               ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Sends and answers the response whole, whatever its status is but a redirect: that fails with
  /// upstream_refused and says where to. Host, Content-Length, User-Agent and Connection are set
  /// here. An idempotent method is sent a second time if a kept-alive connection turns out to be
  /// gone. Fails with upstream_unreachable, timeout, integrity (certificate), io, malformed,
  /// too_large; usage for plain http to a host that is not loopback.
  Task<Response> send(std::string method, Url url, Headers headers, std::string body,
                      Deadline deadline);
  struct Upgraded {
    net::StreamPtr stream;  // without a deadline
    Bytes early;            // what came behind the 101
  };
  /// Response: any status but 101 and the redirects.
  using UpgradeAnswer = std::variant<Upgraded, Response>;
  /// Called once, when the connection (and its TLS) stands: what a field proves may bind to it.
  using UpgradeHeaders = std::function<Result<Headers>(const net::Stream&)>;
  /// Asks by GET for another protocol (RFC 9110 §7.8), on a connection that was opened for this,
  /// through the proxy as send() does. Host, User-Agent, Connection and Upgrade are set here. Fails
  /// as send() and headers do, and with malformed if the 101 names another protocol.
  Task<UpgradeAnswer> upgrade(Url url, std::string protocol, UpgradeHeaders headers,
                              Deadline deadline);
  /// Ends the idle connections.
  void close();

 private:
  struct State;
  explicit Client(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::http
