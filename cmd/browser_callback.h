// SPDX-License-Identifier: Apache-2.0
// Where a browser comes back to after a login: one page on 127.0.0.1, for this user's browser
// alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/http/server.h"
#include "core/identity/browser_login.h"

namespace hoop::cmd {

class BrowserCallback {
 public:
  /// Fails with io.
  static Result<std::unique_ptr<BrowserCallback>> listen(asio::any_io_executor executor);

  /// "http://127.0.0.1:PORT/callback" (RFC 8252 §7.3).
  std::string redirect_uri() const;
  /// Waits until the browser brings a code that answers login. What else comes is answered and
  /// ignored. Fails with timeout after patience, and with what BrowserLogin::returned() fails with.
  /// Once.
  Task<SecretText> wait(const identity::BrowserLogin& login, const identity::IssuerMetadata& issuer,
                        std::chrono::milliseconds patience);

 private:
  explicit BrowserCallback(const asio::any_io_executor& executor)
      : answered_(executor, SteadyTime::max()) {}
  asio::awaitable<http::Response> handle(http::Request request, http::ConnectionInfo connection);

  std::optional<http::Server> server_;
  const identity::BrowserLogin* login_ = nullptr;
  const identity::IssuerMetadata* issuer_ = nullptr;
  std::optional<Result<SecretText>> answer_;
  asio::steady_timer answered_;  // cancelled once there is an answer
};

}  // namespace hoop::cmd
