// SPDX-License-Identifier: Apache-2.0
// Requests for tokens, with a proof of the key that the tokens shall be bound to (RFC 9449 §5).
#pragma once

#include <optional>
#include <string>

#include "cmd/web.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "core/identity/token_request.h"

namespace hoop::cmd {

class TokenRequests {
 public:
  TokenRequests(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  /// A key for the tokens of this login, unless there is one.
  void make_key();
  /// The one that what is renewed is bound to. Fails with malformed.
  Result<void> use_key(const SecretText& pem);

  /// With a proof of the key if there is one; once more with the nonce of who answers, if it wants
  /// that (§8).
  Task<http::Response> ask(Web& web, std::string url, SecretText form,
                           SecretText authorization = {});
  /// What came is bound to our key, or to none. Fails with malformed.
  Result<identity::TokenSet> with_key(Result<identity::TokenSet> tokens) const;

 private:
  const Clock& clock_;
  Random& random_;
  std::optional<crypto::P256Key> key_;
  std::string nonce_;
};

}  // namespace hoop::cmd
