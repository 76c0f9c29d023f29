// SPDX-License-Identifier: Apache-2.0
// Whose access token it is: the embedded identity provider's, or a foreign issuer's, whose keys are
// asked for.
#pragma once

#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/identity/token_verifier.h"
#include "core/net/asio.h"
#include "core/net/tls.h"

namespace hoop::gateway {

/// Used on one event loop, that of the requests.
class Authenticator {
 public:
  /// Tokens of issuer, whose keys are in it.
  Authenticator(identity::TrustedIssuer issuer, const Clock& clock);
  /// Tokens of issuer, whose keys are where its metadata says (OpenID Connect Discovery 1.0, RFC
  /// 8414), reached with trust. They are asked for again after a quarter of an hour, and once a
  /// minute at most when a token names a key that is not among them; while the issuer cannot be
  /// reached they are good for a day. Fails with config if trust cannot be read.
  static Result<std::unique_ptr<Authenticator>> of_foreign(identity::TrustedIssuer issuer,
                                                           net::Trust trust,
                                                           asio::any_io_executor executor,
                                                           const Clock& clock, Log& log);
  ~Authenticator();
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  /// Asks for a foreign issuer's keys before somebody waits for them.
  void start();
  /// Fails with unauthenticated, and with upstream_unreachable while there are no keys.
  Task<access::Identity> authenticate(std::string access_token);

 private:
  struct State;
  explicit Authenticator(std::shared_ptr<State> state);
  static asio::awaitable<void> refresh(std::shared_ptr<State> state, std::string token);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::gateway
