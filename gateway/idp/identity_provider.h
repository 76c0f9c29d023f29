// SPDX-License-Identifier: Apache-2.0
// The embedded identity provider: answers its own paths of the gateway's HTTP server.
//
//   GET  /.well-known/openid-configuration, /.well-known/oauth-authorization-server, /oauth/jwks
//   POST /oauth/device_authorization, /oauth/token, /oauth/revoke
//   GET, POST /device
#pragma once

#include <memory>
#include <optional>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "core/http/message.h"
#include "core/http/server.h"
#include "core/identity/jwk.h"
#include "gateway/idp/settings.h"
#include "gateway/proof_checker.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

/// Resource. Used on one thread, the one that runs the io_context of its requests; passwords are
/// hashed on a worker thread of its own. Must go before that io_context. Borrows all references.
class IdentityProvider {
 public:
  /// Makes its tables. key signs access tokens.
  static Result<std::unique_ptr<IdentityProvider>> create(Settings settings, Database& database,
                                                          crypto::P256Key key, const Clock& clock,
                                                          Random& random, Log& log,
                                                          ProofChecker& proofs);
  ~IdentityProvider();
  IdentityProvider(const IdentityProvider&) = delete;
  IdentityProvider& operator=(const IdentityProvider&) = delete;

  /// nullopt: not one of its paths.
  asio::awaitable<std::optional<http::Response>> handle(http::Request request,
                                                        http::ConnectionInfo connection);
  /// For the gateway's own TokenVerifier.
  identity::KeySet keys() const;

 private:
  struct Parts;
  explicit IdentityProvider(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hoop::gateway::idp
