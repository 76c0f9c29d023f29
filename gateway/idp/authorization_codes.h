// SPDX-License-Identifier: Apache-2.0
// Codes of the authorization code flow (RFC 6749 §4.1) from the sign-in until their tokens are
// fetched.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

class AuthorizationCodes {
 public:
  explicit AuthorizationCodes(Database& database) : database_(database) {}

  /// For a minute. challenge: S256 of the client's verifier (RFC 7636 §4.2).
  Result<SecretText> issue(std::string_view subject, std::string_view redirect_uri,
                           std::string_view challenge, SystemTime now, Random& random);
  /// Who has signed in. nullopt for a code that is unknown, expired, another client's (it was asked
  /// for by another verifier or for another address) or comes again: whatever is wrong, it is
  /// spent.
  Result<std::optional<std::string>> redeem(std::string_view code, std::string_view redirect_uri,
                                            std::string_view verifier, SystemTime now);

 private:
  Database& database_;
};

}  // namespace hoop::gateway::idp
