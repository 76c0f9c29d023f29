// SPDX-License-Identifier: Apache-2.0
// The authorization code flow with PKCE on a loopback redirect (RFC 6749 §4.1, RFC 7636, RFC 8252,
// RFC 9207) as seen by the client: what to open, what came back, what to ask for. Does no I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/identity/discovery.h"
#include "core/identity/token_request.h"

namespace hoop::identity {

class BrowserLogin {
 public:
  /// redirect_uri: where the browser is sent back to, "http://127.0.0.1:PORT/callback". parameters:
  /// what this issuer wants to be told besides.
  BrowserLogin(std::string client_id, std::string redirect_uri, RequestParameters parameters,
               Random& random);

  /// The page at the issuer that the person opens. Holds nothing that is worth anything without
  /// this object. Fails with unsupported where the issuer has no such page or not PKCE by S256.
  Result<std::string> page(const IssuerMetadata& issuer) const;

  using Fields = std::vector<std::pair<std::string, std::string>>;
  /// The query that the browser came back with. nullopt: it does not answer this login, and is not
  /// the person's. Fails with denied (the person or the issuer said no), integrity (another issuer
  /// answered), malformed.
  Result<std::optional<SecretText>> returned(const Fields& query,
                                             const IssuerMetadata& issuer) const;

  SecretText code_request(const SecretText& code) const;
  /// The answer to code_request. Fails with unauthenticated (the code is not taken: log in again),
  /// upstream_refused, malformed.
  static Result<TokenSet> redeemed(int status, std::string_view body);

 private:
  std::string client_id_;
  std::string redirect_uri_;
  RequestParameters parameters_;
  SecretText state_;
  SecretText verifier_;
};

}  // namespace hoop::identity
