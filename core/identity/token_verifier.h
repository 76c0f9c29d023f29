// SPDX-License-Identifier: Apache-2.0
// Turns an access token (RFC 9068) into an access::Identity; nothing else does.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/identity.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/identity/jwk.h"

namespace hoop::identity {

/// One issuer that the operator trusts, with everything about it pinned (RFC 8725 §3.8, §3.9).
struct TrustedIssuer {
  std::string issuer;    // compared byte by byte
  std::string audience;  // ours
  KeySet keys;           // the only keys; a token never brings its own
  /// How a token was obtained follows from the client that obtained it; a client that is not here
  /// gets in nowhere.
  std::map<std::string, access::IdentityKind, std::less<>> clients;
  std::chrono::seconds leeway{60};     // for clocks that differ; at most 60 s is used
  std::chrono::seconds max_life{300};  // exp - iat
  /// Of "email" an "email_verified" beside it must not be false.
  std::string subject_claim = "sub";
  /// A member's name, or a path with dots through objects (Keycloak's "realm_access.roles").
  std::string groups_claim = "groups";
  /// What we call groups that the issuer calls otherwise; others keep their names.
  std::map<std::string, std::string, std::less<>> group_names = {};
  /// The word of its scope that makes a token one for deciding requests.
  std::string approving_scope = "approve";
};

/// Immutable, so it is shared as std::shared_ptr<const TokenVerifier> and replaced whole when keys
/// change.
class TokenVerifier {
 public:
  TokenVerifier(std::vector<TrustedIssuer> issuers, const Clock& clock)
      : issuers_(std::move(issuers)), clock_(clock) {}

  /// Fails with unauthenticated; the message names the check and holds nothing of the token.
  /// proven: the thumbprint of the key that the sender has proven to hold (dpop.h), empty for a
  /// bearer. A token that is bound to a key is for who holds that one, and one that is not for
  /// bearers.
  Result<access::Identity> verify(std::string_view access_token,
                                  std::string_view proven = {}) const;

 private:
  std::vector<TrustedIssuer> issuers_;
  const Clock& clock_;
};

}  // namespace hoop::identity
